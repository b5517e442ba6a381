package dev.millrace.bench.serve;

import java.util.List;

/**
 * The figures of a run.
 *
 * @param outcomes of all requests, in their order
 * @param answers those that did not fail
 * @param duration seconds
 * @param good answers within the limits; null where none were set
 */
record Metrics(List<Outcome> outcomes, List<Outcome> answers, double duration, Long good, Peaks peaks) {

    /** @param goodput null where there are no limits */
    static Metrics of(List<Outcome> outcomes, double duration, Goodput goodput) {
        List<Outcome> answers = outcomes.stream().filter(Outcome::success).toList();
        Long good = goodput == null ? null : Long.valueOf(goodput.count(answers));
        return new Metrics(outcomes, answers, duration, good, Peaks.of(answers));
    }

    List<Outcome> failed() {
        return outcomes.stream().filter(outcome -> !outcome.success()).toList();
    }

    long inputTokens() {
        return answers.stream().mapToLong(Outcome::promptTokens).sum();
    }

    long outputTokens() {
        return answers.stream().mapToLong(Outcome::outputTokens).sum();
    }

    double requestThroughput() {
        return answers.size() / duration;
    }

    Double requestGoodput() {
        return good == null ? null : Double.valueOf(good / duration);
    }

    double outputThroughput() {
        return outputTokens() / duration;
    }

    double totalTokenThroughput() {
        return (inputTokens() + outputTokens()) / duration;
    }
}

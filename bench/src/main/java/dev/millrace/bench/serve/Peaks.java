package dev.millrace.bench.serve;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The busiest moments.
 *
 * @param outputTokens chunks that came in the busiest whole second since the first request
 * @param concurrentRequests requests at a time at most
 */
record Peaks(double outputTokens, int concurrentRequests) {

    static Peaks of(List<Outcome> answers) {
        double start = answers.stream().mapToDouble(Outcome::start).min().orElse(0);
        double end = answers.stream().mapToDouble(Outcome::end).max().orElse(0);
        int[] tokens = new int[(int) Math.ceil(end - start) + 1];
        for (Outcome answer : answers) {
            double time = answer.start() - start + answer.ttft();
            tokens[(int) time]++;
            for (double pause : answer.interTokenLatencies()) {
                time += pause;
                tokens[Math.min((int) time, tokens.length - 1)]++; // rounding may lead past the end
            }
        }
        int most = 0;
        for (int each : tokens) {
            most = Math.max(most, each);
        }
        return new Peaks(answers.isEmpty() ? 0 : most, concurrency(answers));
    }

    /** Times are half open: a request that starts when another one ends does not run beside it. */
    private static int concurrency(List<Outcome> answers) {
        record Change(double time, int by) {}
        List<Change> changes = new ArrayList<>();
        for (Outcome answer : answers) {
            changes.add(new Change(answer.start(), 1));
            changes.add(new Change(answer.end(), -1));
        }
        changes.sort(Comparator.comparingDouble(Change::time).thenComparingInt(Change::by));
        int running = 0;
        int most = 0;
        for (Change change : changes) {
            running += change.by();
            most = Math.max(most, running);
        }
        return most;
    }
}

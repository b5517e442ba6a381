package dev.millrace.bench.serve;

import dev.millrace.model.InvalidInputException;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What an answer must keep to be a good one (DistServe, arXiv 2401.09670).
 *
 * @param limits seconds at most, by metric
 */
record Goodput(Map<String, Double> limits) {

    private static final Map<String, ToDoubleFunction<Outcome>> METRICS =
            Map.of("ttft", Outcome::ttft, "tpot", Outcome::timePerOutputToken, "e2el", Outcome::latency);
    private static final Pattern FORM = Pattern.compile("(ttft|tpot|e2el):(\\d+(?:\\.\\d+)?)");
    private static final double MILLIS = 1000;

    /** @param pairs such as {@code ttft:200}, in milliseconds */
    static Goodput of(List<String> pairs) {
        return new Goodput(pairs.stream()
                .map(Goodput::match)
                .collect(Collectors.toMap(
                        match -> match.group(1), match -> Double.parseDouble(match.group(2)) / MILLIS, Math::min)));
    }

    long count(List<Outcome> answers) {
        return answers.stream().filter(this::isGood).count();
    }

    private boolean isGood(Outcome answer) {
        return limits.entrySet().stream()
                .allMatch(limit -> METRICS.get(limit.getKey()).applyAsDouble(answer) <= limit.getValue());
    }

    private static Matcher match(String pair) {
        Matcher match = FORM.matcher(pair);
        if (!match.matches()) {
            throw new InvalidInputException(
                    "--goodput: '%s' is not KEY:VALUE with one of ttft, tpot, e2el and milliseconds, such as ttft:200"
                            .formatted(pair),
                    "--goodput");
        }
        return match;
    }
}

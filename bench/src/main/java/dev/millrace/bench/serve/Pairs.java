package dev.millrace.bench.serve;

import dev.millrace.model.InvalidInputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Options' values of the form {@code KEY=VALUE}. */
final class Pairs {

    private Pairs() {}

    static Map<String, String> parse(String option, List<String> pairs) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String pair : pairs) {
            int middle = pair.indexOf('=');
            if (middle < 1) {
                throw new InvalidInputException("%s: '%s' is not KEY=VALUE".formatted(option, pair), option);
            }
            values.put(
                    pair.substring(0, middle).strip(),
                    pair.substring(middle + 1).strip());
        }
        return values;
    }
}

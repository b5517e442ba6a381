package dev.millrace.bench.serve;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a server's page of metrics says of speculative decoding.
 *
 * @param acceptedByPosition accepted drafts by their place behind the last sampled token
 */
record SpecDecodeCounts(
        double drafts, double draftTokens, double acceptedTokens, SortedMap<Integer, Double> acceptedByPosition) {

    private static final SpecDecodeCounts NONE = new SpecDecodeCounts(0, 0, 0, new TreeMap<>());
    private static final String PREFIX = "vllm:spec_decode_num_";
    private static final Pattern SAMPLE = Pattern.compile(
            PREFIX + "(drafts|draft_tokens|accepted_tokens|accepted_tokens_per_pos)_total(\\{.*})?\\s+([0-9.eE+]+).*");
    private static final Pattern POSITION = Pattern.compile("[{,]position=\"(\\d{1,4})\"");
    private static final int OK = 200;

    /** All nought where the server has no such page, or does not speculate. */
    static SpecDecodeCounts fetch(HttpClient http, ServerAddress server) throws InterruptedException {
        try {
            HttpResponse<String> page = server.get(http, "/metrics");
            return page.statusCode() == OK ? parse(page.body()) : NONE;
        } catch (IOException e) {
            return NONE; // a server behind a proxy that lets completions through alone, say
        }
    }

    /** @param page in Prometheus' text format */
    static SpecDecodeCounts parse(String page) {
        double[] sums = new double[3];
        SortedMap<Integer, Double> byPosition = new TreeMap<>();
        Matcher sample = SAMPLE.matcher("");
        page.lines().filter(line -> sample.reset(line).matches()).forEach(line -> {
            double value = Double.parseDouble(sample.group(3));
            switch (sample.group(1)) {
                case "drafts" -> sums[0] += value;
                case "draft_tokens" -> sums[1] += value;
                case "accepted_tokens" -> sums[2] += value;
                default -> byPosition.merge(position(line), value, Double::sum);
            }
        });
        return new SpecDecodeCounts(sums[0], sums[1], sums[2], byPosition);
    }

    SpecDecodeCounts since(SpecDecodeCounts before) {
        SortedMap<Integer, Double> positions = new TreeMap<>(acceptedByPosition);
        before.acceptedByPosition.forEach((position, count) -> positions.merge(position, -count, Double::sum));
        return new SpecDecodeCounts(
                drafts - before.drafts,
                draftTokens - before.draftTokens,
                acceptedTokens - before.acceptedTokens,
                positions);
    }

    boolean isEmpty() {
        return draftTokens <= 0;
    }

    /** In percent of the drafts. */
    double acceptanceRate() {
        return acceptedTokens / draftTokens * 100;
    }

    /** Tokens of a step: the accepted drafts and the one sampled behind them. */
    double acceptanceLength() {
        return 1 + acceptedTokens / drafts;
    }

    /** Shares of the steps. */
    List<Double> acceptanceRates() {
        List<Double> rates = new ArrayList<>();
        acceptedByPosition.values().forEach(count -> rates.add(count / drafts));
        return rates;
    }

    private static int position(String line) {
        Matcher label = POSITION.matcher(line);
        return label.find() ? Integer.parseInt(label.group(1)) : 0;
    }
}

package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A run's figures as JSON, by the names that {@code vllm bench serve --save-result} gives them. */
final class ResultFile {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, Object> values = new LinkedHashMap<>();

    ResultFile put(String name, Object value) {
        values.put(name, value);
        return this;
    }

    ResultFile putAll(Map<String, ?> more) {
        values.putAll(more);
        return this;
    }

    /** @param detailed whether every request is told of */
    void measurement(Measurement measurement, boolean detailed) {
        figures(measurement.metrics());
        if (detailed) {
            details(measurement.metrics().outcomes());
        }
        latencies(measurement.latencies(), measurement.percentages());
        speculation(measurement.speculation());
    }

    private void figures(Metrics metrics) {
        put("duration", metrics.duration());
        put("completed", metrics.answers().size());
        put("failed", metrics.failed().size());
        put("total_input_tokens", metrics.inputTokens());
        put("total_output_tokens", metrics.outputTokens());
        put("request_throughput", metrics.requestThroughput());
        put("request_goodput", metrics.requestGoodput());
        put("output_throughput", metrics.outputThroughput());
        put("total_token_throughput", metrics.totalTokenThroughput());
        put("max_output_tokens_per_s", metrics.peaks().outputTokens());
        put("max_concurrent_requests", metrics.peaks().concurrentRequests());
    }

    private void details(List<Outcome> outcomes) {
        each("input_lens", outcomes, Outcome::promptTokens);
        each("output_lens", outcomes, Outcome::outputTokens);
        each("ttfts", outcomes, Outcome::ttft);
        each("itls", outcomes, Outcome::interTokenLatencies);
        each("latencies", outcomes, Outcome::latency);
        each("start_times", outcomes, Outcome::start);
        each("queue_times", outcomes, Outcome::queued);
        each("generated_texts", outcomes, Outcome::text);
        each("errors", outcomes, outcome -> outcome.success() ? "" : outcome.error());
    }

    private void latencies(Map<LatencyMetric, Statistics> latencies, double[] percentages) {
        latencies.forEach((metric, statistics) -> {
            put("mean_%s_ms".formatted(metric), statistics.mean());
            put("median_%s_ms".formatted(metric), statistics.median());
            put("std_%s_ms".formatted(metric), statistics.std());
            for (int i = 0; i < percentages.length; i++) {
                put(
                        "p%s_%s_ms".formatted(Percentiles.word(percentages[i]), metric),
                        statistics.percentiles()[i]);
            }
        });
    }

    private void speculation(SpecDecodeCounts counts) {
        if (counts.isEmpty()) {
            return;
        }
        put("spec_decode_acceptance_rate", counts.acceptanceRate());
        put("spec_decode_acceptance_length", counts.acceptanceLength());
        put("spec_decode_num_drafts", (long) counts.drafts());
        put("spec_decode_draft_tokens", (long) counts.draftTokens());
        put("spec_decode_accepted_tokens", (long) counts.acceptedTokens());
        put("spec_decode_per_position_acceptance_rates", counts.acceptanceRates());
    }

    void write(Path file, boolean append) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        String json = JSON.writeValueAsString(values);
        if (append && Files.exists(file)) {
            Files.writeString(file, "\n" + json, StandardOpenOption.APPEND);
        } else {
            Files.writeString(file, json);
        }
    }

    private void each(String name, List<Outcome> outcomes, Function<Outcome, Object> value) {
        put(name, outcomes.stream().map(value).toList());
    }
}

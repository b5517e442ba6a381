package dev.millrace.bench.serve;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Prints a run's figures as {@code vllm bench serve} does. */
final class Report {

    private static final int WIDTH = 50;
    private static final int MOST_ERRORS = 10;

    private final PrintWriter out;

    Report(PrintWriter out) {
        this.out = out;
    }

    void print(Measurement measurement, TrafficOptions traffic) {
        errors(measurement.metrics().failed());
        figures(measurement.metrics(), traffic);
        latencies(measurement.latencies(), measurement.percentages());
        speculation(measurement.speculation());
        out.println("=".repeat(WIDTH));
        out.flush();
    }

    private void errors(List<Outcome> failed) {
        if (failed.isEmpty()) {
            return;
        }
        out.printf("Failed requests during benchmark run detected (capping to %d):%n", MOST_ERRORS);
        for (int i = 0; i < Math.min(failed.size(), MOST_ERRORS); i++) {
            out.printf("Error %d: %s%n", i, failed.get(i).error());
        }
    }

    private void figures(Metrics metrics, TrafficOptions traffic) {
        heading(" Serving Benchmark Result ", '=');
        line("Successful requests:", metrics.answers().size());
        line("Failed requests:", metrics.failed().size());
        if (traffic.maxConcurrency != null) {
            line("Maximum request concurrency:", traffic.maxConcurrency);
        }
        if (!Double.isInfinite(traffic.requestRate)) {
            line("Request rate configured (RPS):", traffic.requestRate);
        }
        line("Benchmark duration (s):", metrics.duration());
        line("Total input tokens:", metrics.inputTokens());
        line("Total generated tokens:", metrics.outputTokens());
        line("Request throughput (req/s):", metrics.requestThroughput());
        if (metrics.requestGoodput() != null) {
            line("Request goodput (req/s):", metrics.requestGoodput());
        }
        line("Output token throughput (tok/s):", metrics.outputThroughput());
        line("Peak output token throughput (tok/s):", metrics.peaks().outputTokens());
        line("Peak concurrent requests:", (double) metrics.peaks().concurrentRequests());
        line("Total token throughput (tok/s):", metrics.totalTokenThroughput());
    }

    private void latencies(Map<LatencyMetric, Statistics> latencies, double[] percentages) {
        latencies.forEach((metric, statistics) -> {
            heading(metric.header(), '-');
            line("Mean %s (ms):".formatted(metric.label()), statistics.mean());
            line("Median %s (ms):".formatted(metric.label()), statistics.median());
            for (int i = 0; i < percentages.length; i++) {
                line(
                        "P%s %s (ms):".formatted(Percentiles.word(percentages[i]), metric.label()),
                        statistics.percentiles()[i]);
            }
        });
    }

    private void speculation(SpecDecodeCounts counts) {
        if (counts.isEmpty()) {
            return;
        }
        heading("Speculative Decoding", '-');
        line("Acceptance rate (%):", counts.acceptanceRate());
        line("Acceptance length:", counts.acceptanceLength());
        line("Drafts:", (long) counts.drafts());
        line("Draft tokens:", (long) counts.draftTokens());
        line("Accepted tokens:", (long) counts.acceptedTokens());
        out.println("Per-position acceptance (%):");
        List<Double> rates = counts.acceptanceRates();
        for (int i = 0; i < rates.size(); i++) {
            line("  Position %d:".formatted(i), rates.get(i) * 100);
        }
    }

    private void heading(String text, char fill) {
        String left = Character.toString(fill).repeat((WIDTH - text.length()) / 2);
        out.println(left + text + Character.toString(fill).repeat(WIDTH - text.length() - left.length()));
    }

    private void line(String name, long value) {
        out.printf(Locale.ROOT, "%-40s %-10d%n", name, value);
    }

    private void line(String name, double value) {
        out.printf(Locale.ROOT, "%-40s %-10.2f%n", name, value);
    }
}

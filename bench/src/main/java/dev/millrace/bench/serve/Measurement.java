package dev.millrace.bench.serve;

import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * All that is told of a run.
 *
 * @param latencies in the report's order
 * @param percentages of the latencies' percentiles
 */
record Measurement(
        Metrics metrics, Map<LatencyMetric, Statistics> latencies, double[] percentages, SpecDecodeCounts speculation) {

    static Measurement of(
            Metrics metrics, Set<LatencyMetric> selected, double[] percentages, SpecDecodeCounts speculation) {
        Map<LatencyMetric, Statistics> latencies = new EnumMap<>(LatencyMetric.class);
        for (LatencyMetric metric : selected) {
            latencies.put(metric, Statistics.of(metric.of(metrics.answers()), percentages));
        }
        return new Measurement(metrics, latencies, percentages, speculation);
    }
}

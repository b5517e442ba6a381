package dev.millrace.bench.serve;

import dev.millrace.bench.figures.Percentile;
import java.util.Arrays;

/**
 * What many times have in common, in milliseconds; all nought where there is none.
 *
 * @param std of the population
 * @param percentiles of the percentages asked for, in their order
 */
record Statistics(double mean, double median, double std, double[] percentiles) {

    private static final double MILLIS = 1000;

    /** @param seconds the times */
    static Statistics of(double[] seconds, double[] percentages) {
        double[] millis = seconds.length == 0
                ? new double[1]
                : Arrays.stream(seconds).map(value -> value * MILLIS).toArray();
        double mean = Arrays.stream(millis).average().orElseThrow();
        double variance = Arrays.stream(millis)
                .map(value -> (value - mean) * (value - mean))
                .average()
                .orElseThrow();
        double[] percentiles = Arrays.stream(percentages)
                .map(percentage -> Percentile.of(millis, percentage))
                .toArray();
        return new Statistics(mean, Percentile.of(millis, 50), Math.sqrt(variance), percentiles);
    }
}

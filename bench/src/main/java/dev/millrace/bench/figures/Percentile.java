package dev.millrace.bench.figures;

import java.util.Arrays;

/** Percentiles as numpy computes them: linear between the two nearest values. */
public final class Percentile {

    private Percentile() {}

    /** @param percentage 0 to 100 */
    public static double of(double[] values, double percentage) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double at = percentage / 100 * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}

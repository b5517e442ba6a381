package dev.millrace.gpu;

import java.util.Arrays;

/** The median of the last few values, so that a single odd one does not count. On any thread. */
final class RecentMedian {

    private final double[] values;
    private int count;

    RecentMedian(int window) {
        values = new double[window];
    }

    synchronized void add(double value) {
        values[count++ % values.length] = value;
    }

    /** Of two in the middle the lower; {@code otherwise} while there is none. */
    synchronized double orElse(double otherwise) {
        if (count == 0) {
            return otherwise;
        }
        double[] sorted = Arrays.copyOf(values, Math.min(count, values.length));
        Arrays.sort(sorted);
        return sorted[(sorted.length - 1) / 2];
    }
}

package dev.millrace.job.check;

/** How values compare with their references. Values that are not finite differ infinitely. */
final class Comparison {

    private Comparison() {}

    /** Values [n] within {@code tolerance} of their references. */
    static CheckRow within(String file, String name, String kind, float[] actual, float[] expected, double tolerance) {
        if (actual.length != expected.length) {
            return wrongCount(file, name, kind, actual.length, expected.length);
        }
        double largest = largestDifference(actual, expected);
        int agreed = countWithin(actual, expected, tolerance);
        return new CheckRow(file, name, kind, largest, agreed, expected.length, largest <= tolerance, "");
    }

    /** Values [n] whose error was judged by the caller. */
    static CheckRow bounded(
            String file, String name, String kind, float[] actual, float[] expected, boolean passed, String note) {
        return actual.length != expected.length
                ? wrongCount(file, name, kind, actual.length, expected.length)
                : new CheckRow(file, name, kind, largestDifference(actual, expected), 0, 0, passed, note);
    }

    private static CheckRow wrongCount(String file, String name, String kind, int actual, int expected) {
        return CheckRow.broken(file, name, kind, "%,d values instead of %,d".formatted(actual, expected));
    }

    /** Integers [n] equal to their references. */
    static CheckRow equal(String file, String name, String kind, int[] actual, int[] expected) {
        if (actual.length != expected.length) {
            return wrongCount(file, name, kind, actual.length, expected.length);
        }
        int agreed = 0;
        long largest = 0;
        for (int i = 0; i < expected.length; i++) {
            agreed += actual[i] == expected[i] ? 1 : 0;
            largest = Math.max(largest, Math.abs((long) actual[i] - expected[i]));
        }
        return new CheckRow(file, name, kind, largest, agreed, expected.length, agreed == expected.length, "");
    }

    static double largestDifference(float[] actual, float[] expected) {
        double largest = 0;
        for (int i = 0; i < Math.min(actual.length, expected.length); i++) {
            largest = Math.max(largest, difference(actual[i], expected[i]));
        }
        return largest;
    }

    /** Root of the mean squared difference. */
    static double rms(float[] actual, float[] expected) {
        double sum = 0;
        int count = Math.min(actual.length, expected.length);
        for (int i = 0; i < count; i++) {
            double difference = difference(actual[i], expected[i]);
            sum += difference * difference;
        }
        return Math.sqrt(sum / count);
    }

    static int countWithin(float[] actual, float[] expected, double tolerance) {
        int count = 0;
        for (int i = 0; i < expected.length; i++) {
            count += difference(actual[i], expected[i]) <= tolerance ? 1 : 0;
        }
        return count;
    }

    /** Index of the largest of {@code length} values from {@code start} on, the first of equals. */
    static int argmax(float[] values, int start, int length) {
        int best = 0;
        for (int i = 1; i < length; i++) {
            if (values[start + i] > values[start + best]) {
                best = i;
            }
        }
        return best;
    }

    private static double difference(float actual, float expected) {
        double difference = Math.abs((double) actual - expected);
        return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
    }
}

package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;

/** How far results may lie from a reference, value by value. */
public final class Agreement {

    private Agreement() {}

    /** {@code |actual - expected| ≤ absolute + relative·|expected|}; a NaN never agrees. */
    public static void assertClose(String what, float[] actual, double[] expected, double absolute, double relative) {
        assertThat(actual).as(what).hasSize(expected.length);
        for (int i = 0; i < actual.length; i++) {
            double allowed = absolute + relative * Math.abs(expected[i]);
            if (!(Math.abs(actual[i] - expected[i]) <= allowed)) {
                throw new AssertionError("%s: value %d is %s, expected is %s within %s"
                        .formatted(what, i, actual[i], expected[i], allowed));
            }
        }
    }
}

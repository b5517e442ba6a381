package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.DeviceBuffer;

/**
 * A projection's weights, c[out, stride] row-major as checkpoints have them, zeros behind the {@code in} values of a row.
 *
 * @param stride {@code in} rounded up to a multiple of 64; so are the rows of what it is multiplied with
 */
public record Matrix(DeviceBuffer values, int out, int in, int stride) {

    private static final int MULTIPLE = 64;

    /** An inner dimension as it is stored. */
    public static int padded(int inner) {
        return (inner + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
    }

    /** Some of its rows; values are not copied. */
    Matrix rows(Span taken) {
        long rowBytes = values.bytes() / out;
        return new Matrix(values.slice(taken.first() * rowBytes, taken.count() * rowBytes), taken.count(), in, stride);
    }
}

package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Type;

/** How much work the tower's operations are, in operations of a matrix product that takes as long. */
final class VisionWork {

    /** Measured on an H200: 800 TFLOP/s of products, 3.4 TB/s of what only moves; GPUs since Ampere are near that. */
    private static final double OF_A_BYTE = 230;

    /** Attention reaches half the rate of products there. */
    private static final double OF_ATTENTION = 2;

    /** Some microseconds, which any launch takes. */
    private static final double LEAST = 3e9;

    private VisionWork() {}

    static double product(long rows, long in, long out) {
        return Math.max(LEAST, 2.0 * rows * in * out);
    }

    /** Of reading and writing so many values. */
    static double moving(Type type, double values) {
        return Math.max(LEAST, OF_A_BYTE * type.bytes() * values);
    }

    /** @param width of all heads together */
    static double attention(VisionPlans.Bounds segments, int width) {
        double pairs = 0;
        for (int i = 0; i < segments.count(); i++) {
            double length = segments.starts()[i + 1] - segments.starts()[i];
            pairs += length * length;
        }
        return Math.max(LEAST, OF_ATTENTION * 4 * pairs * width);
    }
}

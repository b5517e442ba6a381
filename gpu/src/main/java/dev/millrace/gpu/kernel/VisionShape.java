package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Type;

/** Queries, keys and values of the vision tower, c[P, 3, heads, headDim]. */
public record VisionShape(Type type, int heads, int headDim) {

    private static final int MAX_HEAD_DIM = 128;

    public VisionShape {
        if (heads < 1 || headDim < 4 || headDim > MAX_HEAD_DIM || headDim % 4 != 0) {
            throw new IllegalArgumentException("a vision tower of " + heads + " heads of " + headDim
                    + " values; multiples of 4 up to " + MAX_HEAD_DIM + " are supported on the GPU");
        }
    }

    /** Values of a patch's queries. */
    public int width() {
        return heads * headDim;
    }

    long qkvBytes(int patches) {
        return 3L * patches * width() * type.bytes();
    }
}

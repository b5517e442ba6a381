package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Type;

/** Queries, keys and values of the vision tower, c[P, 3, heads, headDim]. */
public record VisionShape(Type type, int heads, int headDim) {

    private static final int MAX_HEAD_DIM = 128;
    private static final int PLANES_HEAD_DIM_MULTIPLE = 16; // half a head is turned 8 values at a time

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

    /** Whether keys and values can lie in planes, c[heads, 2, headDim/8, P, 8], as well. */
    boolean hasPlanes() {
        return type == Type.BF16 && headDim % PLANES_HEAD_DIM_MULTIPLE == 0;
    }

    /** Bytes of all planes of so many patches. */
    long planesBytes(int patches) {
        return 2L * patches * width() * type.bytes();
    }
}

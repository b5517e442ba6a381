package dev.millrace.model.checkpoint;

import java.nio.ByteBuffer;

/**
 * A stored tensor, row-major.
 *
 * @param name its name in the checkpoint
 * @param dtype how its values are stored
 * @param shape its dimensions, outermost first
 * @param data its bytes, little-endian, mapped from the file; position 0 to limit is the tensor
 */
public record Tensor(String name, Dtype dtype, long[] shape, ByteBuffer data) {

    /** Value types that are read. */
    public enum Dtype {
        BF16(2),
        F16(2),
        F32(4),
        I32(4),
        I64(8);

        private final int bytes;

        Dtype(int bytes) {
            this.bytes = bytes;
        }

        public int bytes() {
            return bytes;
        }
    }

    public long numElements() {
        long n = 1;
        for (long d : shape) {
            n *= d;
        }
        return n;
    }
}

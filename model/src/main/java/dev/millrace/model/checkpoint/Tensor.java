package dev.millrace.model.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * A stored tensor, row-major. Its bytes lie in windows of whole rows, a row being what one index of the outermost dimension
 * selects: Java maps no more than 2 GiB at once, and the embedding of the largest model has 2.5 GB.
 *
 * @param name its name in the checkpoint
 * @param dtype how its values are stored
 * @param shape its dimensions, outermost first
 * @param windows its bytes in order, little-endian, mapped from the file; position 0 to limit is the window. All are as
 *     long as the first but the last, which may be shorter
 */
public record Tensor(String name, Dtype dtype, long[] shape, List<ByteBuffer> windows) {

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

    /** A tensor in one window. */
    public Tensor(String name, Dtype dtype, long[] shape, ByteBuffer data) {
        this(name, dtype, shape, List.of(data));
    }

    /**
     * Its bytes as one buffer.
     *
     * @throws CheckpointException if it has several windows
     */
    public ByteBuffer data() {
        if (windows.size() > 1) {
            throw new CheckpointException("tensor " + name + " of shape " + Arrays.toString(shape) + " has "
                    + numElements() * dtype.bytes() + " bytes, more than one buffer holds; read them by windows");
        }
        return windows.get(0);
    }

    /** Its bytes from byte {@code from} on, as many as that byte's window still has. */
    public ByteBuffer bytes(long from) {
        int windowBytes = windows.get(0).limit();
        ByteBuffer window = windows.get(Math.toIntExact(from / windowBytes));
        int start = (int) (from % windowBytes);
        return window.slice(start, window.limit() - start).order(ByteOrder.LITTLE_ENDIAN);
    }

    public long numElements() {
        long n = 1;
        for (long d : shape) {
            n *= d;
        }
        return n;
    }

    /** A copy of the values of a floating-point tensor. */
    public float[] toFloats() {
        ByteBuffer bytes = data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
        float[] out = new float[Math.toIntExact(numElements())];
        for (int i = 0; i < out.length; i++) {
            out[i] = switch (dtype) {
                case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
                case F16 -> halfToFloat(bytes.getShort());
                case F32 -> bytes.getFloat();
                case I32, I64 -> throw new CheckpointException(
                        "tensor " + name + " is " + dtype + ", not floating-point");
            };
        }
        return out;
    }

    /** A copy of the values of an integer tensor. */
    public int[] toInts() {
        ByteBuffer bytes = data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int[] out = new int[Math.toIntExact(numElements())];
        for (int i = 0; i < out.length; i++) {
            out[i] = switch (dtype) {
                case I32 -> bytes.getInt();
                case I64 -> Math.toIntExact(bytes.getLong());
                case BF16, F16, F32 -> throw new CheckpointException(
                        "tensor " + name + " is " + dtype + ", not integer");
            };
        }
        return out;
    }

    /** IEEE 754 binary16; Java has its own from version 20 on. */
    private static float halfToFloat(short half) {
        int sign = (half & 0x8000) << 16;
        int exponent = half >> 10 & 0x1f;
        int fraction = half & 0x3ff;
        if (exponent == 0) {
            return Math.copySign(fraction * 0x1p-24f, Float.intBitsToFloat(sign | 0x3f800000));
        }
        int biased = exponent == 0x1f ? 0xff : exponent + 112;
        return Float.intBitsToFloat(sign | biased << 23 | fraction << 13);
    }
}

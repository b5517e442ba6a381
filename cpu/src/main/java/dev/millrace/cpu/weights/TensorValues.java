package dev.millrace.cpu.weights;

import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.Tensor;
import java.nio.ByteBuffer;

/** Reads stored values as floats. */
final class TensorValues {

    private TensorValues() {}

    /** Reads {@code n} values of a row, or of a tensor that lies in one window, from element {@code from} on. */
    static void read(Tensor tensor, long from, float[] out, int n) {
        ByteBuffer data = tensor.bytes(from * tensor.dtype().bytes());
        switch (tensor.dtype()) {
            case BF16 -> {
                for (int i = 0; i < n; i++) {
                    out[i] = Float.intBitsToFloat(data.getShort(2 * i) << 16);
                }
            }
            case F16 -> {
                for (int i = 0; i < n; i++) {
                    out[i] = half(data.getShort(2 * i));
                }
            }
            case F32 -> {
                for (int i = 0; i < n; i++) {
                    out[i] = data.getFloat(4 * i);
                }
            }
            default -> throw new CheckpointException("weight " + tensor.name() + " is stored as " + tensor.dtype()
                    + "; BF16, F16 and F32 are supported");
        }
    }

    /** All values of a vector, padded with zeros to a length. */
    static float[] vector(Tensor tensor, int paddedLength) {
        float[] values = new float[paddedLength];
        read(tensor, 0, values, Math.toIntExact(tensor.numElements()));
        return values;
    }

    /** The nearest bfloat16, ties to even, in the low 16 bits; NaN stays NaN. */
    static int bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return bits >>> 16 | 0x40;
        }
        return bits + 0x7FFF + (bits >>> 16 & 1) >>> 16;
    }

    /** An IEEE binary16 value; Java 20 has Float.float16ToFloat, Java 17 has not. */
    static float half(short bits) {
        int exponent = bits >>> 10 & 0x1F;
        int fraction = bits & 0x3FF;
        float magnitude;
        if (exponent == 0x1F) {
            magnitude = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
        } else if (exponent == 0) {
            magnitude = fraction * 0x1p-24f;
        } else {
            magnitude = Float.intBitsToFloat(exponent + 112 << 23 | fraction << 13);
        }
        return bits < 0 ? -magnitude : magnitude;
    }
}

package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads a residual stream back to the host.
 *
 * @param width values of a row
 * @param stride values from one row to the next
 */
record ResidualStream(Stream stream, Type type, int width, int stride) {

    /** Waits for the stream; rows [rows · width] without what pads them. */
    float[] read(DeviceBuffer v, int rows) {
        return values(v, type, rows, stride);
    }

    /** The same of v + product + bias, rounded as it will be stored. */
    float[] read(DeviceBuffer v, int rows, DeviceBuffer product, DeviceBuffer bias) {
        float[] values = read(v, rows);
        float[] products = read(product, rows);
        float[] biases = values(bias, Type.F32, 1, width);
        for (int i = 0; i < values.length; i++) {
            values[i] = rounded(values[i] + (products[i] + biases[i % width]));
        }
        return values;
    }

    private float[] values(DeviceBuffer buffer, Type stored, int rows, int rowStride) {
        float[] values = new float[Math.multiplyExact(rows, width)];
        long bytes = (long) rows * rowStride * stored.bytes();
        ByteBuffer staging = ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
        stream.copyToHost(staging, buffer, 0, bytes);
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < width; column++) {
                values[row * width + column] = value(staging, stored, row * rowStride + column);
            }
        }
        return values;
    }

    private static float value(ByteBuffer bytes, Type type, int index) {
        return switch (type) {
            case BF16 -> Float.intBitsToFloat(bytes.getShort(index * type.bytes()) << Short.SIZE);
            case F32 -> bytes.getFloat(index * type.bytes());
        };
    }

    /** To nearest even. */
    private float rounded(float x) {
        if (type == Type.F32 || Float.isNaN(x)) {
            return x;
        }
        int bits = Float.floatToRawIntBits(x);
        return Float.intBitsToFloat(bits + 0x7fff + (bits >>> Short.SIZE & 1) & 0xffff0000);
    }
}

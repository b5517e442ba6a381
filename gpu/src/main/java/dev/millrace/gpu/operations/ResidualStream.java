package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import java.nio.ByteBuffer;

/** Reads a residual stream back to the host. */
final class ResidualStream {

    private ResidualStream() {}

    /**
     * Waits for the stream; rows [rows · width] without what pads them.
     *
     * @param stride values from one row to the next
     * @param bias fp32[width] that is still to be added to each row, or null
     */
    static float[] read(
            Device device,
            Stream stream,
            DeviceBuffer buffer,
            Type type,
            int rows,
            int width,
            int stride,
            DeviceBuffer bias) {
        float[] values = new float[Math.multiplyExact(rows, width)];
        long bytes = (long) rows * stride * type.bytes();
        try (PinnedBuffer staging = device.allocatePinned(bytes, "a residual stream on the host")) {
            stream.copyToHost(staging, 0, buffer, 0, bytes);
            stream.synchronize();
            for (int row = 0; row < rows; row++) {
                for (int column = 0; column < width; column++) {
                    values[row * width + column] = value(staging.bytes(), type, row * stride + column);
                }
            }
        }
        if (bias != null) {
            add(read(device, stream, bias, Type.F32, 1, width, width, null), values);
        }
        return values;
    }

    private static float value(ByteBuffer bytes, Type type, int index) {
        return switch (type) {
            case BF16 -> Float.intBitsToFloat(bytes.getShort(index * type.bytes()) << Short.SIZE);
            case F32 -> bytes.getFloat(index * type.bytes());
        };
    }

    private static void add(float[] bias, float[] rows) {
        for (int i = 0; i < rows.length; i++) {
            rows[i] += bias[i % bias.length];
        }
    }
}

package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import java.nio.ByteBuffer;

/**
 * Which frequency and which position axis turn each pair of a head's dimensions, i with i + headDim/2.
 *
 * @param frequencies fp32[headDim/2]
 * @param axes int32[headDim/2]
 */
public record RopeTable(DeviceBuffer frequencies, DeviceBuffer axes) {

    /**
     * The decoder's: frequency i is θ^(−2i/headDim); the sections cut the frequencies into consecutive pieces, one an axis.
     *
     * @param sections how many frequencies each axis takes, or null: all take the first
     */
    public static RopeTable text(Device device, Stream stream, double theta, int headDim, int[] sections) {
        int half = headDim / 2;
        int bytes = half * Float.BYTES;
        RopeTable table =
                new RopeTable(device.allocate(bytes, "frequencies of rope"), device.allocate(bytes, "axes of rope"));
        try (PinnedBuffer staging = device.allocatePinned(2L * bytes, "the table of rope")) {
            ByteBuffer values = staging.bytes();
            for (int i = 0; i < half; i++) {
                values.putFloat(i * Float.BYTES, 1f / (float) StrictMath.pow(theta, (float) i / half));
                values.putInt(bytes + i * Integer.BYTES, axis(sections, i));
            }
            stream.copyToDevice(table.frequencies, 0, staging, 0, bytes);
            stream.copyToDevice(table.axes, 0, staging, bytes, bytes);
            stream.synchronize();
        }
        return table;
    }

    private static int axis(int[] sections, int pair) {
        int axis = 0;
        if (sections != null) {
            for (int end = sections[0]; pair >= end; end += sections[axis]) {
                axis++;
            }
        }
        return axis;
    }
}

package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** Pixels from the order of the tokens into the order of the windows ({@code patches.cu}). */
public final class Patches {

    private static final int THREADS = 256;

    private final Operation operation;
    private final Type type;
    private final int unit;
    private final int length;
    private final int stride;

    /**
     * @param unit patches of a token
     * @param length values of a patch
     * @param stride values of a patch with the zeros behind it
     */
    public Patches(Device device, Type type, int unit, int length, int stride) {
        operation = Operation.of(device, "patches", type);
        this.type = type;
        this.unit = unit;
        this.length = length;
        this.stride = stride;
    }

    /**
     * Rows of to[P, stride] ← {@code count} patches.
     *
     * @param from fp32[count, length]
     * @param place int32[P/unit], where each token's unit of patches goes
     * @param first of the patches, in the order of the tokens
     */
    public void launch(Stream stream, DeviceBuffer from, DeviceBuffer place, int first, int count, DeviceBuffer to) {
        Operation.requireBytes(from, (long) count * length * Float.BYTES, "patches");
        Operation.requireBytes(place, ((long) first + count) / unit * Integer.BYTES, "places of patches");
        Operation.requireBytes(to, ((long) first + count) * stride * type.bytes(), "patches in window order");
        operation
                .arguments()
                .pointer(from)
                .pointer(place)
                .intValue(first)
                .intValue(unit)
                .intValue(length)
                .intValue(stride)
                .pointer(to);
        operation.launch(stream, Grid.of(count, THREADS));
    }
}

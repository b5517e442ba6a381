package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** Bias and exact GELU ({@code bias_gelu.cu}). */
public final class BiasGelu {

    private static final int THREADS = 128;
    private static final int MOST_ROWS = 65_535;

    private final Operation operation;
    private final Type type;

    public BiasGelu(Device device, Type type) {
        operation = Operation.of(device, "bias_gelu", type);
        this.type = type;
    }

    /** x[rows, width] ← gelu(x + bias); bias fp32[width]; width a multiple of 64. */
    public void launch(Stream stream, DeviceBuffer x, int rows, DeviceBuffer bias, int width) {
        Operation.requireBytes(x, (long) rows * width * type.bytes(), "hidden values");
        Operation.requireBytes(bias, (long) width * Float.BYTES, "a bias");
        operation.arguments().pointer(x).pointer(bias).intValue(rows).intValue(width);
        int tiles = Operation.blocks(width, THREADS * 16 / type.bytes());
        operation.launch(stream, Grid.of(tiles, Math.min(rows, MOST_ROWS), THREADS));
    }
}

package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** The gate of the tower's MLP, whose projections have biases ({@code bias_silu_mul.cu}). */
public final class BiasSiluMul {

    private static final int THREADS = 128;
    private static final int ROWS = 4;

    private final Operation operation;
    private final Type type;

    public BiasSiluMul(Device device, Type type) {
        operation = Operation.of(device, "bias_silu_mul", type);
        this.type = type;
    }

    /**
     * f[rows, width] ← silu(gate + bias)·(up + bias).
     *
     * @param gateUp c[rows, 2·width], the gates, then the ups
     * @param bias fp32[2·width]
     * @param width a multiple of 64
     */
    public void launch(Stream stream, DeviceBuffer gateUp, int rows, DeviceBuffer bias, int width, DeviceBuffer f) {
        Operation.requireBytes(gateUp, 2L * rows * width * type.bytes(), "gates and ups");
        Operation.requireBytes(bias, 2L * width * Float.BYTES, "a bias of gates and ups");
        Operation.requireBytes(f, (long) rows * width * type.bytes(), "gated values");
        operation
                .arguments()
                .pointer(gateUp)
                .pointer(bias)
                .intValue(rows)
                .intValue(width)
                .pointer(f);
        int tiles = Operation.blocks(width, THREADS * 16 / type.bytes());
        operation.launch(stream, Grid.of(tiles, Operation.blocks(rows, ROWS), THREADS));
    }
}

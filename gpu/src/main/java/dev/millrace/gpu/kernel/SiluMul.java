package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** The gate of an MLP, with biases as in the tower or without as in the decoder ({@code silu_mul.cu}). */
public final class SiluMul {

    private static final int THREADS = 256;
    private static final int PACK_BYTES = 16;
    private static final int WIDTH_MULTIPLE = 8;
    private static final int FEW_TOKENS = 512; // up to which a block has one, else as many as it reads at once
    private static final int TOKENS = 4;
    private static final int MOST_ROWS = 4096; // of blocks

    private static final long NONE = 0;

    private final Operation operation;
    private final Type type;

    public SiluMul(Device device, Type type) {
        operation = Operation.of(device, "silu_mul", type);
        this.type = type;
    }

    /** f[tokens, width] ← silu(gate)·up; gateUp[tokens, 2·width] holds the gates, then the ups; width a multiple of 8. */
    public void launch(Stream stream, DeviceBuffer gateUp, int tokens, int width, DeviceBuffer f) {
        launch(stream, gateUp, tokens, NONE, width, f);
    }

    /** f[tokens, width] ← silu(gate + bias)·(up + bias); bias fp32[2·width], the gates', then the ups'. */
    public void launch(Stream stream, DeviceBuffer gateUp, int tokens, DeviceBuffer bias, int width, DeviceBuffer f) {
        Operation.requireBytes(bias, 2L * width * Float.BYTES, "a bias of gates and ups");
        launch(stream, gateUp, tokens, bias.address(), width, f);
    }

    private void launch(Stream stream, DeviceBuffer gateUp, int tokens, long bias, int width, DeviceBuffer f) {
        if (width % WIDTH_MULTIPLE != 0) {
            throw new IllegalArgumentException(
                    "gates of width " + width + ", which is no multiple of " + WIDTH_MULTIPLE);
        }
        Operation.requireBytes(gateUp, 2L * tokens * width * type.bytes(), "gates and ups");
        Operation.requireBytes(f, (long) tokens * width * type.bytes(), "gated values");
        operation
                .arguments()
                .pointer(gateUp)
                .pointer(bias)
                .intValue(tokens)
                .intValue(width)
                .pointer(f);
        int columns = Operation.blocks((long) width * type.bytes() / PACK_BYTES, THREADS);
        int rows = tokens <= FEW_TOKENS ? tokens : Math.min(Operation.blocks(tokens, TOKENS), MOST_ROWS);
        operation.launchOverlapping(stream, Grid.of(columns, rows, THREADS));
    }
}

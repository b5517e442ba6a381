package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/**
 * Gates of a few bf16 tokens by Hopper's own matrix products ({@code gate_hopper.cu}), in about the time that reading the
 * weights takes. These are read before the kernels ahead have ended, so they must have been there long before.
 */
public final class HopperGate {

    /** {@link SkinnyMatrix} is for fewer; of 16 it was measured to take longer. */
    private static final int FEWEST_TOKENS = 9;

    private static final int MOST_TOKENS = 64;
    private static final int HOPPER = 90;
    private static final int THREADS = 512;
    private static final int WIDTH_OF_TILE = 72;
    private static final int COLUMNS = 64;
    private static final int STAGES = 6;
    private static final int SHARED = STAGES * (2 * WIDTH_OF_TILE + MOST_TOKENS) * COLUMNS * Type.BF16.bytes();

    private final Operation operation;
    private final int multiprocessors;

    public HopperGate(Device device) {
        if (!isFor(device, Type.BF16)) {
            throw new IllegalArgumentException(
                    "gates for compute capability 9.0, asked for on " + device.computeCapability());
        }
        operation = new Operation(device, "gate_hopper", "gate_hopper_bf16", SHARED);
        multiprocessors = device.multiprocessors();
    }

    /** Whether there is a kernel for the device and the type. */
    public static boolean isFor(Device device, Type type) {
        return device.computeCapability() == HOPPER && type == Type.BF16;
    }

    /** Whether it is the kernel to choose for so many tokens, and for gates of this shape. */
    public static boolean isFor(int tokens, int width, int in) {
        return tokens >= FEWEST_TOKENS && tokens <= MOST_TOKENS && width % 8 == 0 && in % COLUMNS == 0;
    }

    /**
     * f[tokens, width] ← silu(x·Gᵀ) · (x·Uᵀ).
     *
     * @param w bf16[2 · width, in], G, then U
     * @param x bf16[tokens, xStride]
     * @param xStride values from token to token, a multiple of 8
     */
    public void launch(
            Stream stream, DeviceBuffer w, int width, int in, DeviceBuffer x, int tokens, int xStride, DeviceBuffer f) {
        if (tokens > MOST_TOKENS || width % 8 != 0 || in % COLUMNS != 0 || xStride % 8 != 0) {
            throw new IllegalArgumentException(
                    "%d gates of %d tokens, %d apart, of %d values: multiples of 8 of at most %d tokens of a multiple of %d"
                            .formatted(width, tokens, xStride, in, MOST_TOKENS, COLUMNS));
        }
        Operation.requireBytes(w, 2L * width * in * Type.BF16.bytes(), "gates and ups");
        Operation.requireBytes(x, ((tokens - 1L) * xStride + in) * Type.BF16.bytes(), "tokens");
        Operation.requireBytes(f, (long) tokens * width * Type.BF16.bytes(), "gated values");
        operation
                .arguments()
                .pointer(w)
                .intValue(width)
                .intValue(in)
                .pointer(x)
                .intValue(tokens)
                .intValue(xStride)
                .pointer(f);
        int tiles = Operation.blocks(width, WIDTH_OF_TILE);
        Grid grid = Grid.of(Math.min(multiprocessors, tiles), THREADS).withShared(SHARED);
        operation.launchOverlapping(stream, grid);
    }
}

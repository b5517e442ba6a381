package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import java.util.EnumMap;
import java.util.Map;

/**
 * Products of a few tokens with a large bf16 matrix ({@code skinny_matrix.cu}), in the time that reading the matrix takes.
 * All products of one instance go to one stream, because they share scratch memory. The matrix is read before the kernels
 * ahead have ended, so it must have been there long before.
 */
public final class SkinnyMatrix {

    /** Most tokens. */
    public static final int MOST_TOKENS = 16;

    private static final int FEW_TOKENS = 8;
    private static final int THREADS = 256;
    private static final int ROWS = 32;
    private static final int COLUMNS = 64;
    private static final int WARPS = 8;
    private static final int RESIDENT = 2; // blocks a multiprocessor has room for

    /** What becomes of a product. */
    public enum Epilogue {
        /** y bf16[N, out] ← product. */
        STORE,
        /** y f32[N, out] ← product. */
        FLOAT,
        /** y bf16[N, out] ← y + product. */
        ADD,
        /** y bf16[N, out/2] ← silu(first half of the product) · second half. */
        SILU
    }

    private final Map<Epilogue, Operation> few = new EnumMap<>(Epilogue.class);
    private final Map<Epilogue, Operation> many = new EnumMap<>(Epilogue.class);
    private final Operation fewHeads;
    private final Operation manyHeads;
    private final DeviceBuffer partial;
    private final DeviceBuffer tickets;
    private final int blocks;

    public SkinnyMatrix(Device device) {
        for (Epilogue epilogue : Epilogue.values()) {
            String name = "skinny_" + epilogue.name().toLowerCase(java.util.Locale.ROOT);
            few.put(epilogue, new Operation(device, "skinny_matrix", name + "_" + FEW_TOKENS));
            many.put(epilogue, new Operation(device, "skinny_matrix", name + "_" + MOST_TOKENS));
        }
        fewHeads = new Operation(device, "skinny_matrix", "skinny_rope_" + FEW_TOKENS);
        manyHeads = new Operation(device, "skinny_matrix", "skinny_rope_" + MOST_TOKENS);
        blocks = RESIDENT * device.multiprocessors();
        long partialBytes = (long) blocks * MOST_TOKENS * ROWS * Float.BYTES;
        long ticketBytes = (long) blocks * Integer.BYTES;
        Arena measuring = Arena.measuring();
        measuring.take(partialBytes);
        measuring.take(ticketBytes);
        DeviceBuffer memory = device.allocate(measuring.peak(), "pieces of products");
        Arena arena = new Arena(memory);
        partial = arena.take(partialBytes);
        tickets = arena.take(ticketBytes);
        try (Stream stream = device.newStream()) {
            stream.fill(memory, 0);
            stream.synchronize();
        }
    }

    /** Whether there is a kernel for a product of so many tokens. */
    public static boolean supports(Type type, int tokens, int in) {
        return type == Type.BF16 && tokens <= MOST_TOKENS && in % COLUMNS == 0;
    }

    /**
     * y ← what the epilogue makes of x[tokens, in]·Wᵀ.
     *
     * @param w bf16[out, in]
     * @param xStride values from token to token, a multiple of 8
     */
    public void launch(
            Stream stream,
            Epilogue epilogue,
            DeviceBuffer w,
            int out,
            int in,
            DeviceBuffer x,
            int tokens,
            int xStride,
            DeviceBuffer y,
            int yStride) {
        check(w, out, in, x, tokens, xStride);
        int columns = epilogue == Epilogue.SILU ? out / 2 : out;
        Type type = epilogue == Epilogue.FLOAT ? Type.F32 : Type.BF16;
        Operation.requireBytes(y, ((tokens - 1L) * yStride + columns) * type.bytes(), "products");
        Operation operation = (tokens <= FEW_TOKENS ? few : many).get(epilogue);
        Grid grid = begin(operation, w, out, in, x, tokens, xStride);
        operation.append().intValue(yStride).pointer(y);
        operation.launchOverlapping(stream, grid);
    }

    /** Whether {@link #launchHeads} is for heads of this shape. */
    public static boolean supports(CacheShape shape) {
        return shape.type() == Type.BF16 && shape.headDim() % ROWS == 0;
    }

    /**
     * q[tokens, queryHeads, headDim] ← turned queries of x[tokens, in]·Wᵀ + bias; keys and values go to the layer's cache, as
     * {@link QkvRope} would have it.
     *
     * @param w bf16[qkvWidth, in]
     * @param bias fp32[qkvWidth]
     */
    public void launchHeads(
            Stream stream,
            CacheShape shape,
            DeviceBuffer w,
            int in,
            DeviceBuffer x,
            int tokens,
            int xStride,
            DeviceBuffer bias,
            Derived derived,
            DeviceBuffer q,
            DeviceBuffer cache) {
        check(w, shape.qkvWidth(), in, x, tokens, xStride);
        if (!supports(shape)) {
            throw new IllegalArgumentException("heads of a multiple of " + ROWS + " bf16 values, not " + shape);
        }
        Operation.requireBytes(bias, (long) shape.qkvWidth() * Float.BYTES, "a bias of queries, keys and values");
        Operation.requireBytes(q, (long) tokens * shape.queryWidth() * Type.BF16.bytes(), "queries");
        Operation operation = tokens <= FEW_TOKENS ? fewHeads : manyHeads;
        Grid grid = begin(operation, w, shape.qkvWidth(), in, x, tokens, xStride);
        operation
                .append()
                .pointer(bias)
                .pointer(derived.cosines())
                .pointer(derived.sines())
                .pointer(derived.slots())
                .intValue(shape.queryHeads())
                .intValue(shape.keyHeads())
                .intValue(shape.headDim())
                .pointer(q)
                .pointer(cache);
        operation.launchOverlapping(stream, grid);
    }

    private static void check(DeviceBuffer w, int out, int in, DeviceBuffer x, int tokens, int xStride) {
        if (!supports(Type.BF16, tokens, in) || xStride % 8 != 0) {
            throw new IllegalArgumentException(
                    "%d tokens, %d apart, of %d values: at most %d tokens of a multiple of %d"
                            .formatted(tokens, xStride, in, MOST_TOKENS, COLUMNS));
        }
        Operation.requireBytes(w, (long) out * in * Type.BF16.bytes(), "a matrix");
        Operation.requireBytes(x, ((tokens - 1L) * xStride + in) * Type.BF16.bytes(), "tokens");
    }

    /** Writes the arguments that all kernels begin with. */
    private Grid begin(Operation operation, DeviceBuffer w, int out, int in, DeviceBuffer x, int tokens, int xStride) {
        int tiles = (out + ROWS - 1) / ROWS;
        int pieces = pieces(tiles, in);
        operation
                .arguments()
                .pointer(w)
                .intValue(out)
                .intValue(in)
                .intValue(pieces)
                .pointer(x)
                .intValue(tokens)
                .intValue(xStride)
                .pointer(partial)
                .pointer(tickets);
        return Grid.of(Math.min(blocks, tiles * pieces), THREADS);
    }

    /** As many pieces of the columns as keep all resident blocks busy once; each gives every warp something to read. */
    private int pieces(int tiles, int in) {
        return Math.max(1, Math.min(blocks / tiles, in / COLUMNS / WARPS));
    }
}

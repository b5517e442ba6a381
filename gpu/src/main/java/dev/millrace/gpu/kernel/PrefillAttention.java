package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.step.StepInputs;

/**
 * Causal attention over block tables on tensor cores ({@code attend_prefill.cu}), worth it from some queries a sequence on.
 * Results do not depend on the batch, nor, as long as its context is shorter than 4,096 tokens, on how a sequence was cut into
 * chunks; they differ in their last bits from those of {@link PagedAttention}. From there on a chunk of at most 512 tokens
 * has its context cut in four, since there are too few queries to occupy a device.
 */
public final class PrefillAttention {

    private static final int THREADS = 128;
    private static final int QUERIES = 128;
    private static final int KEYS = 64;
    private static final int NARROW_KEYS = 32;
    private static final int SPLITS = 4;
    private static final int TWO_TOKENS = 2; // a graph of steps of single tokens knows nothing of contexts
    private static final int FEW_TOKENS = 512;
    private static final int LONG_CONTEXT = 4096;

    private final Operation operation;
    private final CacheShape shape;
    private final int sharedBytes;
    private final float scale;
    private final DeviceBuffer partial;
    private final DeviceBuffer extremes;
    private final DeviceBuffer tickets;

    /**
     * @param tokens most in a step
     * @param sequences most in a step
     */
    public PrefillAttention(Device device, CacheShape shape, int tokens, int sequences) {
        this(device, shape, tokens, sequences, sharedBytes(shape, KEYS) > device.maxSharedMemory());
    }

    private PrefillAttention(Device device, CacheShape shape, int tokens, int sequences, boolean narrow) {
        if (!serves(shape)) {
            throw new IllegalArgumentException("no tensor core attention for " + shape);
        }
        this.shape = shape;
        sharedBytes = sharedBytes(shape, narrow ? NARROW_KEYS : KEYS);
        String function = "attend_prefill_" + shape.headDim() + (narrow ? "_narrow" : "") + "_bf16";
        operation = new Operation(device, "attend_prefill", function, sharedBytes);
        scale = (float) (1 / Math.sqrt(shape.headDim()));
        long queries = (long) SPLITS * tokens * shape.queryHeads();
        partial = device.allocate(queries * shape.headDim() * Float.BYTES, "pieces of attention");
        extremes = device.allocate(queries * 2 * Float.BYTES, "the extremes of pieces of attention");
        tickets = device.allocate(
                (long) items(tokens, sequences) * shape.keyHeads() * Integer.BYTES, "attention's tickets");
        try (Stream stream = device.newStream()) {
            stream.fill(tickets, 0);
            stream.synchronize();
        }
    }

    private int items(int tokens, int sequences) {
        return Math.toIntExact((long) tokens * shape.group() / QUERIES + sequences);
    }

    /** As it is on devices with little shared memory. */
    static PrefillAttention narrow(Device device, CacheShape shape, int tokens, int sequences) {
        return new PrefillAttention(device, shape, tokens, sequences, true);
    }

    /** Whether there is a kernel for the shape. */
    public static boolean serves(CacheShape shape) {
        return shape.type() == Type.BF16 && (shape.headDim() == 64 || shape.headDim() == 128);
    }

    /** Queries and two tiles of keys and values, in rows 8 values longer than a head. */
    private static int sharedBytes(CacheShape shape, int keys) {
        return (QUERIES + 4 * keys) * (shape.headDim() + 8) * Type.BF16.bytes();
    }

    /**
     * out[T, outStride] ← what each token's heads attend to in the tokens of its sequence up to itself.
     *
     * @param q c[T, queryHeads, headDim]
     * @param cache the layer's
     * @param leave sequences of at most so many queries of a key-value head are left to another kernel
     */
    public void launch(
            Stream stream,
            DeviceBuffer q,
            DeviceBuffer cache,
            StepInputs inputs,
            int leave,
            int outStride,
            DeviceBuffer out) {
        int tokens = inputs.tokens();
        int bytes = shape.type().bytes();
        Operation.requireBytes(q, (long) tokens * shape.queryWidth() * bytes, "queries");
        Operation.requireBytes(out, (long) tokens * outStride * bytes, "attended values");
        operation
                .arguments()
                .pointer(q)
                .pointer(cache)
                .pointer(inputs.tables())
                .pointer(inputs.row())
                .pointer(inputs.cuQ())
                .pointer(inputs.contextLength())
                .intValue(tokens)
                .intValue(inputs.sequences())
                .intValue(inputs.tableLength())
                .intValue(shape.queryHeads())
                .intValue(shape.keyHeads())
                .intValue(leave)
                .floatValue(scale)
                .intValue(outStride)
                .pointer(out)
                .pointer(partial)
                .pointer(extremes)
                .pointer(tickets);
        int items = items(tokens, inputs.sequences());
        Operation.requireBytes(tickets, (long) items * shape.keyHeads() * Integer.BYTES, "attention's tickets");
        int fewest = Math.max(TWO_TOKENS, leave / shape.group() + 1);
        int splits = inputs.longestContext(fewest, FEW_TOKENS) >= LONG_CONTEXT ? SPLITS : 1;
        operation.launch(
                stream, Grid.of(items, shape.keyHeads(), splits, THREADS).withShared(sharedBytes));
    }
}

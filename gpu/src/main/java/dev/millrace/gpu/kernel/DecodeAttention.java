package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.step.StepInputs;

/**
 * Attention of few queries to long contexts ({@code attend_decode.cu}): decoding, and drafts that are verified. Takes those
 * sequences of a step, of any batch, that {@link #takes} and leaves the others to {@link PrefillAttention}, which is to
 * leave these out; so how a sequence is attended to depends on nothing but itself.
 */
public final class DecodeAttention {

    /** Queries of a key-value head: the query heads that share it times a sequence's tokens in the step. */
    public static final int MOST_QUERIES = 8;

    private static final int HEAD_DIM = 128;
    private static final int MOST_SPLITS = 32;
    private static final int SPLIT = 1024;
    private static final int PLAN_THREADS = 1024;
    private static final int SHARED_BYTES = 68_608;
    private static final int ITEM_BYTES = 8 * Integer.BYTES;
    private static final int ITEMS_READ_BEHIND = 4; // by each block

    private final Operation plan;
    private final Variant forMany;
    private final Variant forFew;
    private final CacheShape shape;
    private final Scratch scratch;
    private final int drafts;
    private final float scale;
    private final int multiprocessors;

    /** A kernel; all make the same bits. Of few items, that with more warps a block is sooner done with each. */
    private record Variant(Operation attend, Grid grid) {

        static Variant of(Device device, int warps, int resident) {
            Operation attend = new Operation(device, "attend_decode", "attend_decode_" + warps, SHARED_BYTES);
            Grid grid = Grid.of(resident * device.multiprocessors(), 32 * warps).withShared(SHARED_BYTES);
            return new Variant(attend, grid);
        }
    }

    /** What the blocks of a launch hand to each other; zero when the first begins, as the last leaves it. */
    private record Scratch(
            DeviceBuffer firstItem,
            DeviceBuffer items,
            DeviceBuffer partial,
            DeviceBuffer extremes,
            DeviceBuffer tickets) {

        static Scratch in(Arena arena, CacheShape shape, int sequences, long splits, int blocks) {
            long items = splits * shape.keyHeads();
            long queries = items * MOST_QUERIES;
            return new Scratch(
                    arena.take((sequences + 1L) * Integer.BYTES),
                    arena.take((items + (long) ITEMS_READ_BEHIND * blocks) * ITEM_BYTES),
                    arena.take(queries * HEAD_DIM * Float.BYTES),
                    arena.take(queries * 2 * Float.BYTES),
                    arena.take(queries * Integer.BYTES));
        }
    }

    /** @param sequences most in a step, those without meaning included */
    public DecodeAttention(Device device, CacheShape shape, int sequences) {
        this(device, shape, sequences, (long) sequences * MOST_SPLITS, 0);
    }

    /**
     * @param splits most in a step, of all sequences together
     * @param drafts most tokens of a step that others of the same row precede, as sequences of their own
     */
    public DecodeAttention(Device device, CacheShape shape, int sequences, long splits, int drafts) {
        if (!supports(shape)) {
            throw new IllegalArgumentException(
                    "decode attention takes bf16 heads of 128 values, at most 8 to a key-value head; not " + shape);
        }
        this.shape = shape;
        this.drafts = drafts;
        plan = new Operation(device, "attend_decode", "attend_decode_plan");
        forMany = Variant.of(device, 4, 2);
        forFew = Variant.of(device, 8, 1);
        multiprocessors = device.multiprocessors();
        Arena measuring = Arena.measuring();
        Scratch.in(measuring, shape, sequences, splits, forMany.grid.x());
        DeviceBuffer memory = device.allocate(measuring.peak(), "splits of attention");
        scratch = Scratch.in(new Arena(memory), shape, sequences, splits, forMany.grid.x());
        try (Stream stream = device.newStream()) {
            stream.fill(memory, 0);
            stream.synchronize();
        }
        scale = (float) (1 / Math.sqrt(HEAD_DIM));
    }

    /** Whether there is a kernel for these heads. */
    public static boolean supports(CacheShape shape) {
        return shape.type() == Type.BF16 && shape.headDim() == HEAD_DIM && shape.group() <= MOST_QUERIES;
    }

    /** The most splits of a context up to that length. */
    public static int splits(int context) {
        return Math.min(MOST_SPLITS, (context + SPLIT - 1) / SPLIT);
    }

    /** Whether a sequence with so many tokens in the step is attended to here. */
    public static boolean takes(CacheShape shape, int tokens) {
        return supports(shape) && tokens * shape.group() <= MOST_QUERIES;
    }

    /** Finds out what there is to do in a step; once, before the first layer. */
    public void plan(Stream stream, StepInputs inputs) {
        Operation.requireBytes(scratch.firstItem, (inputs.sequences() + 1L) * Integer.BYTES, "items of sequences");
        plan.arguments()
                .pointer(inputs.row())
                .pointer(inputs.cuQ())
                .pointer(inputs.contextLength())
                .intValue(inputs.sequences())
                .intValue(shape.group())
                .intValue(shape.keyHeads())
                .pointer(scratch.firstItem)
                .pointer(scratch.items);
        plan.launch(stream, Grid.of(1, PLAN_THREADS));
    }

    /**
     * out[T, outStride] ← what the heads of the taken sequences' tokens attend to in their context up to themselves.
     *
     * @param q bf16[T, queryHeads, 128]
     * @param cache the layer's
     */
    public void launch(
            Stream stream, DeviceBuffer q, DeviceBuffer cache, StepInputs inputs, int outStride, DeviceBuffer out) {
        long tokens = inputs.tokens();
        Operation.requireBytes(q, tokens * shape.queryWidth() * Type.BF16.bytes(), "queries");
        Operation.requireBytes(out, tokens * outStride * Type.BF16.bytes(), "attended values");
        boolean many = (long) inputs.sequences() * shape.keyHeads() >= multiprocessors;
        Variant variant = many ? forMany : forFew;
        variant.attend
                .arguments()
                .pointer(q)
                .pointer(cache)
                .pointer(inputs.tables())
                .pointer(scratch.firstItem)
                .pointer(scratch.items)
                .intValue(inputs.sequences())
                .intValue(drafts)
                .intValue(inputs.tableLength())
                .intValue(shape.queryHeads())
                .intValue(shape.keyHeads())
                .floatValue(scale)
                .intValue(outStride)
                .pointer(scratch.partial)
                .pointer(scratch.extremes)
                .pointer(scratch.tickets)
                .pointer(out);
        variant.attend.launchOverlapping(stream, variant.grid);
    }
}

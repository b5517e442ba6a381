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
 * sequences of a step, of any batch, that {@link #takes} and leaves the others to {@link PagedAttention}, which is to leave
 * these out; so how a sequence is attended to depends on nothing but itself.
 */
public final class DecodeAttention {

    /** Queries of a key-value head: the query heads that share it times a sequence's tokens in the step. */
    public static final int MOST_QUERIES = 8;

    private static final int HEAD_DIM = 128;
    private static final int MOST_SPLITS = 32;
    private static final int PLAN_THREADS = 1024;
    private static final int THREADS = 128;
    private static final int SHARED_BYTES = 70_016;
    private static final int MOST_RESIDENT = 3;

    private final Operation plan;
    private final Operation attend;
    private final CacheShape shape;
    private final Scratch scratch;
    private final float scale;
    private final int blocks;

    /** What the blocks of a launch hand to each other; zero when the first begins, as the last leaves it. */
    private record Scratch(DeviceBuffer firstItem, DeviceBuffer partial, DeviceBuffer extremes, DeviceBuffer tickets) {

        static Scratch in(Arena arena, CacheShape shape, int sequences) {
            long heads = (long) sequences * shape.keyHeads();
            long queries = heads * MOST_SPLITS * MOST_QUERIES;
            return new Scratch(
                    arena.take((sequences + 1L) * Integer.BYTES),
                    arena.take(queries * HEAD_DIM * Float.BYTES),
                    arena.take(queries * 2 * Float.BYTES),
                    arena.take(heads * Integer.BYTES));
        }
    }

    /** @param sequences most in a step, those without meaning included */
    public DecodeAttention(Device device, CacheShape shape, int sequences) {
        if (!supports(shape)) {
            throw new IllegalArgumentException(
                    "decode attention takes bf16 heads of 128 values, at most 8 to a key-value head; not " + shape);
        }
        this.shape = shape;
        plan = new Operation(device, "attend_decode", "attend_decode_plan");
        attend = new Operation(device, "attend_decode", "attend_decode", SHARED_BYTES);
        DeviceBuffer memory = device.allocate(bytes(shape, sequences), "splits of attention");
        scratch = Scratch.in(new Arena(memory), shape, sequences);
        try (Stream stream = device.newStream()) {
            stream.fill(memory, 0);
            stream.synchronize();
        }
        scale = (float) (1 / Math.sqrt(HEAD_DIM));
        int resident = Math.min(MOST_RESIDENT, Math.max(1, device.maxSharedMemory() / SHARED_BYTES));
        blocks = resident * device.multiprocessors();
    }

    /** Whether there is a kernel for these heads. */
    public static boolean supports(CacheShape shape) {
        return shape.type() == Type.BF16 && shape.headDim() == HEAD_DIM && shape.group() <= MOST_QUERIES;
    }

    /** Whether a sequence with so many tokens in the step is attended to here. */
    public static boolean takes(CacheShape shape, int tokens) {
        return supports(shape) && tokens * shape.group() <= MOST_QUERIES;
    }

    /** Device memory that this takes: 0.5 MB a sequence with four key-value heads. */
    public static long bytes(CacheShape shape, int sequences) {
        Arena arena = Arena.measuring();
        Scratch.in(arena, shape, sequences);
        return arena.peak();
    }

    /** Finds out what there is to do in a step; once, before the first layer. */
    public void plan(Stream stream, StepInputs inputs) {
        Operation.requireBytes(scratch.firstItem, (inputs.sequences() + 1L) * Integer.BYTES, "items of sequences");
        plan.arguments()
                .pointer(inputs.cuQ())
                .pointer(inputs.contextLength())
                .intValue(inputs.sequences())
                .intValue(shape.group())
                .intValue(shape.keyHeads())
                .pointer(scratch.firstItem);
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
        attend.arguments()
                .pointer(q)
                .pointer(cache)
                .pointer(inputs.tables())
                .pointer(inputs.row())
                .pointer(inputs.cuQ())
                .pointer(inputs.contextLength())
                .pointer(scratch.firstItem)
                .intValue(inputs.sequences())
                .intValue(inputs.tableLength())
                .intValue(shape.queryHeads())
                .intValue(shape.keyHeads())
                .floatValue(scale)
                .intValue(outStride)
                .pointer(scratch.partial)
                .pointer(scratch.extremes)
                .pointer(scratch.tickets)
                .pointer(out);
        attend.launchOverlapping(stream, Grid.of(blocks, THREADS).withShared(SHARED_BYTES));
    }
}

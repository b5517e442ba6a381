package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.step.StepInputs;

/**
 * Causal attention over block tables on tensor cores ({@code attend_prefill.cu}), worth it from some queries a sequence on.
 * Results do not depend on the batch or on how a sequence was cut into chunks, but differ in their last bits from those of
 * {@link PagedAttention}.
 */
public final class PrefillAttention {

    private static final int THREADS = 128;
    private static final int QUERIES = 128;
    private static final int KEYS = 64;
    private static final int NARROW_KEYS = 32;

    private final Operation operation;
    private final CacheShape shape;
    private final int sharedBytes;
    private final float scale;

    public PrefillAttention(Device device, CacheShape shape) {
        this(device, shape, sharedBytes(shape, KEYS) > device.maxSharedMemory());
    }

    private PrefillAttention(Device device, CacheShape shape, boolean narrow) {
        if (!serves(shape)) {
            throw new IllegalArgumentException("no tensor core attention for " + shape);
        }
        this.shape = shape;
        sharedBytes = sharedBytes(shape, narrow ? NARROW_KEYS : KEYS);
        String function = "attend_prefill_" + shape.headDim() + (narrow ? "_narrow" : "") + "_bf16";
        operation = new Operation(device, "attend_prefill", function, sharedBytes);
        scale = (float) (1 / Math.sqrt(shape.headDim()));
    }

    /** As it is on devices with little shared memory. */
    static PrefillAttention narrow(Device device, CacheShape shape) {
        return new PrefillAttention(device, shape, true);
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
                .intValue(inputs.sequences())
                .intValue(inputs.tableLength())
                .intValue(shape.queryHeads())
                .intValue(shape.keyHeads())
                .intValue(leave)
                .floatValue(scale)
                .intValue(outStride)
                .pointer(out);
        int items = tokens * shape.group() / QUERIES + inputs.sequences();
        operation.launch(stream, Grid.of(items, shape.keyHeads(), THREADS).withShared(sharedBytes));
    }
}

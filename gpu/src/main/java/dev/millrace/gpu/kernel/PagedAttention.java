package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.step.StepInputs;

/** Causal attention over block tables ({@code attend.cu}). */
public final class PagedAttention {

    /** Queries of one key-value head that a block of threads takes at a time. */
    public static final int TILE = 16;

    private static final int THREADS = 128;
    private static final int BLOCKS_A_MULTIPROCESSOR = 8;

    private final Operation operation;
    private final CacheShape shape;
    private final float scale;
    private final int mostBlocks;

    public PagedAttention(Device device, CacheShape shape) {
        operation = Operation.of(device, "attend", shape.type());
        this.shape = shape;
        scale = (float) (1 / Math.sqrt(shape.headDim()));
        mostBlocks = Math.max(1, BLOCKS_A_MULTIPROCESSOR * device.multiprocessors() / shape.keyHeads());
    }

    /**
     * out[T, outStride] ← what each token's heads attend to in the tokens of its sequence up to itself.
     *
     * @param q c[T, queryHeads, headDim]
     * @param cache the layer's
     */
    public void launch(
            Stream stream,
            DeviceBuffer q,
            DeviceBuffer cache,
            StepInputs inputs,
            Derived derived,
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
                .pointer(derived.firstItem())
                .intValue(inputs.sequences())
                .intValue(inputs.tableLength())
                .intValue(shape.queryHeads())
                .intValue(shape.keyHeads())
                .intValue(shape.headDim())
                .floatValue(scale)
                .intValue(outStride)
                .pointer(out);
        operation.launch(stream, Grid.of(blocks(inputs), shape.keyHeads(), THREADS));
    }

    /** As many blocks as items at most; how items are dealt out changes no result. */
    private int blocks(StepInputs inputs) {
        long items = ((long) inputs.tokens() * shape.group() + TILE - 1) / TILE + inputs.sequences();
        return (int) Math.min(items, mostBlocks);
    }
}

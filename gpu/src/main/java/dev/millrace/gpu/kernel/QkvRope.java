package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;

/** Bias, rotary embedding, and keys and values into their slots ({@code qkv_rope.cu}). */
public final class QkvRope {

    private static final int THREADS = 288;
    private static final int RESIDENT = 3;

    private final Operation operation;
    private final CacheShape shape;
    private final int mostBlocks;

    public QkvRope(Device device, CacheShape shape) {
        operation = Operation.of(device, "qkv_rope", shape.type());
        this.shape = shape;
        mostBlocks = RESIDENT * device.multiprocessors();
    }

    /**
     * q[tokens, queryHeads, headDim] ← turned queries; keys and values go to the layer's cache.
     *
     * @param qkv c[tokens, qkvWidth]
     * @param bias fp32[qkvWidth]
     */
    public void launch(
            Stream stream,
            DeviceBuffer qkv,
            int tokens,
            DeviceBuffer bias,
            Derived derived,
            DeviceBuffer q,
            DeviceBuffer cache) {
        int bytes = shape.type().bytes();
        Operation.requireBytes(qkv, (long) tokens * shape.qkvWidth() * bytes, "queries, keys and values");
        Operation.requireBytes(bias, (long) shape.qkvWidth() * Float.BYTES, "a bias of queries, keys and values");
        Operation.requireBytes(q, (long) tokens * shape.queryWidth() * bytes, "queries");
        operation
                .arguments()
                .pointer(qkv)
                .pointer(bias)
                .pointer(derived.cosines())
                .pointer(derived.sines())
                .pointer(derived.slots())
                .intValue(tokens)
                .intValue(shape.queryHeads())
                .intValue(shape.keyHeads())
                .intValue(shape.headDim())
                .pointer(q)
                .pointer(cache);
        operation.launchOverlapping(stream, Grid.of(Math.min(tokens, mostBlocks), THREADS));
    }
}

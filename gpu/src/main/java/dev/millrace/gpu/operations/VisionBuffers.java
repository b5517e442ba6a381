package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import java.util.stream.LongStream;

/**
 * The tower's activations for up to {@code patches} patches at a time, as many rows as products compute of those. Buffers are shared by what is not needed at the same
 * time.
 *
 * @param patches most patches
 * @param mlpRows patches whose gates and ups are there at a time
 * @param stream v c[P, Dv], the residual stream
 * @param normed c[P, Dv], also what attention gives and what the MLP adds to the stream; zeros behind the width
 * @param wide c[P, ·]: qkv, then what attention adds to the stream, then f, then embeddings
 * @param scratch planes of keys and values, or gates and ups c[mlpRows, 2F], or the merger's hidden values
 */
record VisionBuffers(
        int patches,
        int mlpRows,
        DeviceBuffer stream,
        DeviceBuffer normed,
        DeviceBuffer wide,
        DeviceBuffer scratch,
        DeviceBuffer cosines,
        DeviceBuffer sines) {

    /** Enough for matrix products to run at full speed; gates and ups of a large picture would take 0.9 GB at once. */
    private static final int MLP_ROWS = 16_384;

    static VisionBuffers in(Arena arena, VisionConfig config, Type type, int patches) {
        int unit = config.spatialMergeSize() * config.spatialMergeSize();
        int width = Matrix.padded(config.hiddenSize());
        int mlp = Matrix.padded(config.intermediateSize());
        int mlpRows = Math.min(ProductRows.atLeast(patches), MLP_ROWS);
        int units = ProductRows.atLeast(patches / unit);
        long rows = Math.max(ProductRows.atLeast(patches), unit * units);
        long wide = max(rows * 3 * config.hiddenSize(), rows * mlp, (long) units * config.outHiddenSize());
        long scratch = max(
                rows * 2 * config.hiddenSize(),
                (long) mlpRows * 2 * mlp,
                (long) units * Matrix.padded(unit * config.hiddenSize()));
        long angles = (long) patches * (config.headDim() / 2) * Float.BYTES;
        return new VisionBuffers(
                patches,
                mlpRows,
                arena.take(rows * width * type.bytes()),
                arena.take(rows * width * type.bytes()),
                arena.take(wide * type.bytes()),
                arena.take(scratch * type.bytes()),
                arena.take(angles),
                arena.take(angles));
    }

    private static long max(long... sizes) {
        return LongStream.of(sizes).max().orElseThrow();
    }
}

package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Blas;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.kernel.CopyBlocks;
import dev.millrace.gpu.kernel.Embedding;
import dev.millrace.gpu.kernel.Prepare;
import dev.millrace.gpu.kernel.RmsNorm;
import dev.millrace.gpu.kernel.RopeTable;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.config.ModelConfig.TextConfig;

/** The decoder's kernels for one model's shapes, with the memory that some of them work in. */
public record TextKernels(
        Prepare prepare,
        CopyBlocks copyBlocks,
        Embedding embedding,
        RmsNorm norm,
        Attention attention,
        Products products) {

    /**
     * @param stream that they will be launched on
     * @param blas of that stream
     * @param limits of a step
     */
    public static TextKernels load(
            Device device, Stream stream, Blas blas, TextConfig config, CacheShape shape, StepLimits limits) {
        RopeTable rope = RopeTable.text(device, stream, config.ropeTheta(), config.headDim(), config.mropeSection());
        return new TextKernels(
                new Prepare(device, shape, rope),
                new CopyBlocks(device),
                new Embedding(device, shape.type()),
                new RmsNorm(device, shape.type(), config.rmsNormEps()),
                new Attention(device, shape, limits),
                new Products(device, shape, stream, blas));
    }
}

package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.kernel.CopyBlocks;
import dev.millrace.gpu.kernel.Embedding;
import dev.millrace.gpu.kernel.PagedAttention;
import dev.millrace.gpu.kernel.Prepare;
import dev.millrace.gpu.kernel.QkvRope;
import dev.millrace.gpu.kernel.RmsNorm;
import dev.millrace.gpu.kernel.RopeTable;
import dev.millrace.gpu.kernel.SiluMul;
import dev.millrace.model.config.ModelConfig.TextConfig;

/** The decoder's kernels for one model's shapes. */
record TextKernels(
        Prepare prepare,
        CopyBlocks copyBlocks,
        Embedding embedding,
        RmsNorm norm,
        QkvRope qkvRope,
        PagedAttention attention,
        SiluMul siluMul) {

    static TextKernels load(Device device, Stream stream, TextConfig config, CacheShape shape) {
        RopeTable rope = RopeTable.text(device, stream, config.ropeTheta(), config.headDim(), config.mropeSection());
        return new TextKernels(
                new Prepare(device, shape, rope),
                new CopyBlocks(device),
                new Embedding(device, shape.type()),
                new RmsNorm(device, shape.type(), config.rmsNormEps()),
                new QkvRope(device, shape),
                new PagedAttention(device, shape),
                new SiluMul(device, shape.type()));
    }
}

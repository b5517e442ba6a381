package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.AddNorm;
import dev.millrace.gpu.kernel.BiasGelu;
import dev.millrace.gpu.kernel.ScatterMedia;
import dev.millrace.gpu.kernel.SiluMul;
import dev.millrace.gpu.kernel.VisionAttention;
import dev.millrace.gpu.kernel.VisionRope;
import dev.millrace.gpu.kernel.VisionShape;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.model.config.ModelConfig.VisionConfig;

/** The kernels of one tower. */
record VisionKernels(
        AddNorm norm,
        VisionRope rope,
        VisionAttention attention,
        SiluMul siluMul,
        BiasGelu gelu,
        ScatterMedia scatter) {

    /** The tower's norms have this constant, whatever the decoder's have. */
    private static final double RMS_NORM_EPS = 1e-6;

    static VisionKernels load(Device device, VisionConfig config, Type type) {
        VisionShape shape = new VisionShape(type, config.numHeads(), config.headDim());
        int width = config.hiddenSize();
        return new VisionKernels(
                new AddNorm(device, type, RMS_NORM_EPS, width, Matrix.padded(width)),
                new VisionRope(device, shape),
                new VisionAttention(device, shape),
                new SiluMul(device, type),
                new BiasGelu(device, type),
                new ScatterMedia(device, type));
    }
}

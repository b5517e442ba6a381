package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Blas;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.AddNorm;
import dev.millrace.gpu.kernel.VisionRope;
import dev.millrace.gpu.weights.Linear;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.gpu.weights.VisionWeights;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.forward.VisionOperations;
import java.util.List;

/**
 * The vision tower's half-blocks on a GPU, for one or several pictures at a time. What the residual stream receives, a product
 * and its bias, is not added at once but when the stream is normed next, which reads it anyway: so the stream is rounded once
 * for both, however a library rounds when it adds a product to what is there.
 *
 * <p>Everything runs in the order of one stream, which the caller waits for or has others wait for. Binding waits until its
 * inputs are on the device, so it belongs on a thread that has nothing more urgent to do.
 */
public final class GpuVisionOperations implements VisionOperations {

    private final VisionConfig config;
    private final Type type;
    private final VisionWeights weights;
    private final VisionKernels kernels;
    private final VisionBuffers buffers;
    private final Stream stream;
    private final Blas blas;
    private final VisionInputs inputs;
    private final PatchRows rows;
    private final Upload upload;
    private final DeviceBuffer frequencies;
    private final DeviceBuffer media;
    private final int unit; // patches of a token
    private final int width; // a row of the residual stream, zeros included

    private VisionPlans plans;
    private Pending pending; // or null

    /** What the residual stream is still to receive. */
    private record Pending(DeviceBuffer product, DeviceBuffer bias) {}

    /**
     * @param blas of the same stream
     * @param memory of {@link #bytes}
     * @param mostPatches that are bound at a time
     * @param media c[rows, D], the media buffer
     */
    public GpuVisionOperations(
            Device device,
            VisionConfig config,
            Type type,
            VisionWeights weights,
            Stream stream,
            Blas blas,
            DeviceBuffer memory,
            int mostPatches,
            DeviceBuffer media) {
        this.config = config;
        this.type = type;
        this.weights = weights;
        this.stream = stream;
        this.blas = blas;
        this.media = media;
        unit = config.spatialMergeSize() * config.spatialMergeSize();
        width = Matrix.padded(config.hiddenSize());
        kernels = VisionKernels.load(device, config, type);
        Arena arena = new Arena(memory);
        buffers = VisionBuffers.in(arena, config, type, mostPatches);
        inputs = VisionInputs.in(arena, config, type, mostPatches);
        rows = new PatchRows(type, unit, config.patchLength(), Matrix.padded(config.patchLength()));
        upload = new Upload(device);
        frequencies = frequencies(device);
    }

    /** Bytes of device memory for items of so many patches together. */
    public static long bytes(VisionConfig config, Type type, int mostPatches) {
        Arena arena = Arena.measuring();
        VisionBuffers.in(arena, config, type, mostPatches);
        VisionInputs.in(arena, config, type, mostPatches);
        return arena.peak();
    }

    private DeviceBuffer frequencies(Device device) {
        float[] values = VisionRope.frequencies(config.headDim());
        DeviceBuffer buffer = device.allocate((long) values.length * Float.BYTES, "frequencies of the vision tower");
        try (PinnedBuffer staging = device.allocatePinned(buffer.bytes(), "frequencies of the vision tower")) {
            staging.bytes().asFloatBuffer().put(values);
            stream.copyToDevice(buffer, 0, staging, 0, buffer.bytes());
            stream.synchronize();
        }
        return buffer;
    }

    /** Most patches that may be bound together. */
    public int mostPatches() {
        return buffers.patches();
    }

    /** Binds the operations to pictures and videos, which go through the tower together. */
    public void bind(List<MediaInput> items) {
        plans = VisionPlans.of(items, config);
        if (plans.patches() > buffers.patches()) {
            throw new IllegalArgumentException("%d items of %d patches are more than the %d there is room for"
                    .formatted(items.size(), plans.patches(), buffers.patches()));
        }
        pending = null;
        upload.ints(plans.mediaRows(), inputs.mediaRows());
        upload.ints(plans.windows().starts(), inputs.windows());
        upload.ints(plans.frames().starts(), inputs.frames());
        upload.ints(plans.positions(), inputs.positions());
        upload.patches(rows, plans, items, inputs.pixels());
        upload.synchronize();
        kernels.rope().angles(stream, inputs.positions(), frequencies, patches(), buffers.cosines(), buffers.sines());
    }

    private int patches() {
        return plans.patches();
    }

    /** Waits for v and copies it [patches · Dv], with what it is still to receive. */
    public float[] hidden() {
        ResidualStream reader = new ResidualStream(stream, type, config.hiddenSize(), width);
        return pending == null
                ? reader.read(buffers.stream(), patches())
                : reader.read(buffers.stream(), patches(), pending.product(), pending.bias());
    }

    @Override
    public void patchEmbed() {
        multiply(weights.patchEmbed(), inputs.pixels(), patches(), buffers.stream(), width);
    }

    @Override
    public void visAttnIn(int block) {
        VisionWeights.Block w = weights.blocks().get(block);
        norm(w.attentionNorm());
        multiply(w.qkv().weight(), buffers.normed(), patches(), buffers.wide(), 3 * config.hiddenSize());
        kernels.rope().launch(stream, buffers.wide(), patches(), w.qkv().bias(), buffers.cosines(), buffers.sines());
    }

    @Override
    public void visAttend(int block, boolean full) {
        VisionPlans.Bounds segments = full ? plans.frames() : plans.windows();
        kernels.attention()
                .launch(
                        stream,
                        buffers.wide(),
                        patches(),
                        full ? inputs.frames() : inputs.windows(),
                        segments.count(),
                        segments.longest(),
                        width,
                        buffers.normed());
    }

    @Override
    public void visAttnOut(int block) {
        addToStream(weights.blocks().get(block).output(), buffers.normed(), buffers.wide());
    }

    @Override
    public void visMlpIn(int block) {
        VisionWeights.Block w = weights.blocks().get(block);
        norm(w.mlpNorm());
        Linear gateUp = w.gateUp();
        int outputs = gateUp.weight().out();
        for (int first = 0; first < patches(); first += buffers.mlpRows()) {
            int rows = Math.min(buffers.mlpRows(), patches() - first);
            multiply(gateUp.weight(), rows(buffers.normed(), first, rows, width), rows, buffers.scratch(), outputs);
            DeviceBuffer f = rows(buffers.wide(), first, rows, outputs / 2);
            kernels.siluMul().launch(stream, buffers.scratch(), rows, gateUp.bias(), outputs / 2, f);
        }
    }

    @Override
    public void visMlpOut(int block) {
        addToStream(weights.blocks().get(block).down(), buffers.wide(), buffers.normed());
    }

    @Override
    public void merge() {
        norm(weights.mergeNorm());
        int tokens = patches() / unit;
        Linear in = weights.mergeIn();
        Linear out = weights.mergeOut();
        int hidden = in.weight().out();
        int embedding = config.outHiddenSize();
        multiply(in.weight(), buffers.normed(), tokens, buffers.scratch(), hidden);
        kernels.gelu().launch(stream, buffers.scratch(), tokens, in.bias(), hidden);
        multiply(out.weight(), buffers.scratch(), tokens, buffers.wide(), embedding);
        kernels.scatter().launch(stream, buffers.wide(), tokens, out.bias(), inputs.mediaRows(), embedding, media);
    }

    private void norm(DeviceBuffer weight) {
        AddNorm norm = kernels.norm();
        DeviceBuffer v = buffers.stream();
        if (pending == null) {
            norm.launch(stream, v, patches(), weight, buffers.normed());
        } else {
            norm.launch(stream, v, patches(), pending.product(), pending.bias(), weight, buffers.normed());
        }
        pending = null;
    }

    /** @param product where x·Wᵀ stays until the stream is normed */
    private void addToStream(Linear linear, DeviceBuffer x, DeviceBuffer product) {
        multiply(linear.weight(), x, patches(), product, width);
        pending = new Pending(product, linear.bias());
    }

    private DeviceBuffer rows(DeviceBuffer buffer, int first, int count, int stride) {
        long rowBytes = (long) stride * type.bytes();
        return buffer.slice(first * rowBytes, count * rowBytes);
    }

    /** y[rows, yStride] ← x·Wᵀ; rows of x are as long as those of W. */
    private void multiply(Matrix w, DeviceBuffer x, int rows, DeviceBuffer y, int yStride) {
        blas.multiply(type, w.values(), w.out(), w.stride(), w.stride(), x, rows, w.stride(), y, type, yStride, 0);
    }
}

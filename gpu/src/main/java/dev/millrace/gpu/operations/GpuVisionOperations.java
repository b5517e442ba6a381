package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Blas;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.AddNorm;
import dev.millrace.gpu.kernel.VisionAttention;
import dev.millrace.gpu.kernel.VisionRope;
import dev.millrace.gpu.weights.Linear;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.gpu.weights.VisionWeights;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.forward.VisionOperations;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * The vision tower's half-blocks on a GPU, for one or several pictures at a time. What the residual stream receives, a product
 * and its bias, is not added at once but when the stream is normed next, which reads it anyway: so the stream is rounded once
 * for both, however a library rounds when it adds a product to what is there.
 *
 * <p>Operations launch nothing: they say in which slices they are to be launched, on another thread if that suits, in their
 * order on one stream. Binding waits until its inputs are on the device, so it belongs on a thread that has nothing more urgent
 * to do.
 */
public final class GpuVisionOperations implements VisionOperations {

    /** How many may have been bound whose slices are not all done: one that is encoded while the next arrives. */
    public static final int MOST_BOUND = 2;

    private final VisionConfig config;
    private final Type type;
    private final VisionWeights weights;
    private final VisionKernels kernels;
    private final VisionBuffers buffers;
    private final Stream stream;
    private final Blas blas;
    private final VisionInputs[] arrivals = new VisionInputs[MOST_BOUND];
    private final PatchRows rows;
    private final Upload upload;
    private final DeviceBuffer frequencies;
    private final DeviceBuffer media;
    private final int unit; // patches of a token
    private final int width; // a row of the residual stream, zeros included

    private int bound;
    private VisionInputs inputs;
    private VisionPlans plans;
    private List<Slice> slices = new ArrayList<>();
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
        Arrays.setAll(arrivals, i -> VisionInputs.in(arena, config, type, mostPatches));
        rows = new PatchRows(type, unit, config.patchLength(), Matrix.padded(config.patchLength()));
        upload = new Upload(device);
        frequencies = frequencies(device);
    }

    /** Bytes of device memory for items of so many patches together. */
    public static long bytes(VisionConfig config, Type type, int mostPatches) {
        Arena arena = Arena.measuring();
        VisionBuffers.in(arena, config, type, mostPatches);
        for (int i = 0; i < MOST_BOUND; i++) {
            VisionInputs.in(arena, config, type, mostPatches);
        }
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

    /** Does every product once in every number of rows, of whatever lies in the registers. */
    public void rehearse() {
        ProductRows.upTo(buffers.patches()).forEach(this::rehearseBlock);
        ProductRows.upTo(buffers.patches() / unit).forEach(this::rehearseMerger);
    }

    private void rehearseBlock(int patches) {
        int mlpRows = Math.min(patches, buffers.mlpRows());
        VisionWeights.Block w = weights.blocks().get(0);
        Matrix gateUp = w.gateUp().weight();
        multiply(weights.patchEmbed(), arrivals[0].pixels(), patches, buffers.stream(), width);
        multiply(w.qkv().weight(), buffers.normed(), patches, buffers.wide(), 3 * config.hiddenSize());
        multiply(w.output().weight(), buffers.normed(), patches, buffers.wide(), width);
        multiply(gateUp, buffers.normed(), mlpRows, buffers.scratch(), gateUp.out());
        multiply(w.down().weight(), buffers.wide(), patches, buffers.normed(), width);
        takeSlices().forEach(Slice::launch);
    }

    private void rehearseMerger(int tokens) {
        Matrix mergeIn = weights.mergeIn().weight();
        multiply(mergeIn, buffers.normed(), tokens, buffers.scratch(), mergeIn.out());
        multiply(weights.mergeOut().weight(), buffers.scratch(), tokens, buffers.wide(), config.outHiddenSize());
        takeSlices().forEach(Slice::launch);
    }

    /**
     * Binds the operations to pictures and videos, which go through the tower together; there may be {@link #MOST_BOUND} on
     * their way.
     */
    public void bind(List<MediaInput> items) {
        plans = VisionPlans.of(items, config);
        if (plans.patches() > buffers.patches()) {
            throw new IllegalArgumentException("%d items of %d patches are more than the %d there is room for"
                    .formatted(items.size(), plans.patches(), buffers.patches()));
        }
        slices = new ArrayList<>();
        pending = null;
        inputs = arrivals[bound++ % MOST_BOUND];
        upload.ints(plans.mediaRows(), inputs.mediaRows());
        upload.ints(plans.windows().starts(), inputs.windows());
        upload.ints(plans.frames().starts(), inputs.frames());
        upload.ints(plans.positions(), inputs.positions());
        upload.patches(rows, plans, items, inputs.pixels());
        upload.synchronize();
        DeviceBuffer positions = inputs.positions();
        int patches = patches();
        move(2.0 * patches * config.headDim(), () -> kernels.rope()
                .angles(stream, positions, frequencies, patches, buffers.cosines(), buffers.sines()));
    }

    /** What the operations since the binding are to launch, in this order. */
    public List<Slice> takeSlices() {
        List<Slice> taken = slices;
        slices = new ArrayList<>();
        return taken;
    }

    private int patches() {
        return plans.patches();
    }

    /** Has v [patches · Dv] shown as it is here, with what it is still to receive. */
    public void show(Consumer<float[]> look) {
        var reader = new ResidualStream(stream, type, config.hiddenSize(), width);
        int patches = patches();
        Pending missing = pending;
        slices.add(Slice.whole(
                VisionWork.moving(type, (double) patches * width),
                () -> look.accept(
                        missing == null
                                ? reader.read(buffers.stream(), patches)
                                : reader.read(buffers.stream(), patches, missing.product(), missing.bias()))));
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
        int patches = patches();
        boolean toPlanes =
                isFull(block) && kernels.attention().readsPlanes(plans.frames().longest());
        move(6.0 * patches * config.hiddenSize(), () -> {
            DeviceBuffer qkv = buffers.wide();
            DeviceBuffer bias = w.qkv().bias();
            if (toPlanes) {
                kernels.rope()
                        .launch(stream, qkv, patches, bias, buffers.cosines(), buffers.sines(), buffers.scratch());
            } else {
                kernels.rope().launch(stream, qkv, patches, bias, buffers.cosines(), buffers.sines());
            }
        });
    }

    private boolean isFull(int block) {
        return IntStream.of(config.fullAttentionBlocks()).anyMatch(full -> full == block);
    }

    @Override
    public void visAttend(int block, boolean full) {
        VisionPlans.Bounds segments = full ? plans.frames() : plans.windows();
        DeviceBuffer bounds = full ? inputs.frames() : inputs.windows();
        VisionAttention attention = kernels.attention();
        int patches = patches();
        int blocks = attention.blocks(segments.count(), segments.longest());
        int wave = full ? attention.wave(segments.longest()) : blocks;
        int pieces = (blocks + wave - 1) / wave;
        double work = full
                ? VisionWork.attention(segments, config.hiddenSize())
                : VisionWork.moving(type, 4.0 * patches * config.hiddenSize());
        slices.add(new Slice(
                pieces,
                work / pieces,
                (first, count) -> attention.launch(
                        stream,
                        buffers.wide(),
                        buffers.scratch(),
                        patches,
                        bounds,
                        segments.count(),
                        segments.longest(),
                        width,
                        buffers.normed(),
                        first * wave,
                        Math.min(count * wave, blocks - first * wave))));
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
            multiply(gateUp.weight(), from(buffers.normed(), first, width), rows, buffers.scratch(), outputs);
            DeviceBuffer f = from(buffers.wide(), first, outputs / 2);
            move(1.5 * rows * outputs, () -> kernels.siluMul()
                    .launch(stream, buffers.scratch(), rows, gateUp.bias(), outputs / 2, f));
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
        move(2.0 * tokens * hidden, () -> kernels.gelu().launch(stream, buffers.scratch(), tokens, in.bias(), hidden));
        multiply(out.weight(), buffers.scratch(), tokens, buffers.wide(), embedding);
        DeviceBuffer mediaRows = inputs.mediaRows();
        move(2.0 * tokens * embedding, () -> kernels.scatter()
                .launch(stream, buffers.wide(), tokens, out.bias(), mediaRows, embedding, media));
    }

    private void norm(DeviceBuffer weight) {
        AddNorm norm = kernels.norm();
        DeviceBuffer v = buffers.stream();
        int patches = patches();
        Pending added = pending;
        pending = null;
        move(4.0 * patches * width, () -> {
            if (added == null) {
                norm.launch(stream, v, patches, weight, buffers.normed());
            } else {
                norm.launch(stream, v, patches, added.product(), added.bias(), weight, buffers.normed());
            }
        });
    }

    /** @param product where x·Wᵀ stays until the stream is normed */
    private void addToStream(Linear linear, DeviceBuffer x, DeviceBuffer product) {
        multiply(linear.weight(), x, patches(), product, width);
        pending = new Pending(product, linear.bias());
    }

    /** A buffer from one of its rows on. */
    private DeviceBuffer from(DeviceBuffer buffer, int first, int stride) {
        long offset = (long) first * stride * type.bytes();
        return buffer.slice(offset, buffer.bytes() - offset);
    }

    /** y[rows, yStride] ← x·Wᵀ; rows of x are as long as those of W, and there as {@link ProductRows} says. */
    private void multiply(Matrix w, DeviceBuffer x, int rows, DeviceBuffer y, int yStride) {
        int computed = ProductRows.atLeast(rows);
        slices.add(Slice.whole(
                VisionWork.product(computed, w.stride(), w.out()),
                () -> blas.multiply(
                        type,
                        w.values(),
                        w.out(),
                        w.stride(),
                        w.stride(),
                        x,
                        computed,
                        w.stride(),
                        y,
                        type,
                        yStride,
                        0)));
    }

    /** A slice that takes the time of reading and writing so many values. */
    private void move(double values, Runnable launch) {
        slices.add(Slice.whole(VisionWork.moving(type, values), launch));
    }
}

package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.Derived;
import dev.millrace.gpu.step.DraftPass;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.weights.Matrix;
import dev.millrace.gpu.weights.TextWeights;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.forward.TextOperations;

/**
 * The decoder's half-blocks on one GPU, for the step whose inputs were staged last. Nothing here looks at the data, waits or
 * allocates, so that all of it can be captured; only {@link #bind} and {@link #copyBlocks} depend on how much there is to do
 * and stay outside a graph.
 */
public final class GpuTextOperations implements TextOperations {

    private final TextWeights weights;
    private final TextKernels kernels;
    private final Junction junction;
    private final TextBuffers buffers;
    private final KeyValueCache cache;
    private final StepInputs inputs;
    private final DeviceBuffer media;
    private final Drawing drawing;
    private final Stream stream;
    private final int hidden;

    /**
     * @param media c[M, D], embeddings of media tokens
     */
    public GpuTextOperations(
            Stream stream,
            TextConfig config,
            TextWeights weights,
            TextKernels kernels,
            Junction junction,
            TextBuffers buffers,
            KeyValueCache cache,
            StepInputs inputs,
            DeviceBuffer media,
            Drawing drawing) {
        this.weights = weights;
        this.kernels = kernels;
        this.junction = junction;
        this.buffers = buffers;
        this.cache = cache;
        this.inputs = inputs;
        this.media = media;
        this.drawing = drawing;
        this.stream = stream;
        hidden = config.hiddenSize();
        stream.fill(buffers.attended(), 0);
    }

    /**
     * Brings a step to the device: its inputs, the rows that sequences take over, the changes of block tables.
     *
     * @param fill sequences without meaning that are added to it
     * @param slot staging buffer
     */
    public void bind(ForwardBatch batch, int fill, int slot) {
        inputs.stage(stream, batch, fill, slot);
        drawing.apply(stream, batch);
        if (inputs.tableUpdates() > 0) {
            kernels.prepare().updateTables(stream, inputs);
        }
    }

    /** Brings a run of the draft model to the device. */
    public void bind(DraftPass pass, int fill, int slot) {
        pass.stage(inputs, stream, fill, slot);
    }

    /** Has the rows keep what was accepted of a step's drafts; behind the step. */
    public void accept() {
        drawing.accept(stream, inputs);
    }

    /** Address of the step's pairs of blocks to copy. */
    public long copyPairList() {
        return inputs.copyPairList();
    }

    /** Copies blocks in all layers, as pairs i[count, 2] on the device have it. */
    public void copyBlocks(long pairs, int count) {
        kernels.copyBlocks().launch(stream, pairs, count, cache.all(), cache.layers().length, cache.blockBytes());
    }

    /** Does every product of a layer and of the head once, of whatever lies in the registers. */
    public void rehearse(int tokens, int samples) {
        TextWeights.Layer w = weights.layers().get(0);
        Matrix qkv = w.qkv().weight();
        int width = width();
        kernels.products().store(qkv, buffers.normed(), tokens, buffers.qkv(), qkv.out());
        junction.add(Junction.Turn.ATTENTION, w.output(), buffers.attended(), tokens, buffers.x(), width);
        kernels.products().gate(w.gateUp(), buffers.normed(), tokens, buffers.gateUp(), buffers.f());
        junction.add(Junction.Turn.MLP, w.down(), buffers.f(), tokens, buffers.x(), width);
        junction.logits(weights.head(), buffers.normed(), samples, buffers.logits());
    }

    /** Waits for x and copies it [tokens · D]. */
    public float[] hidden(Type type) {
        int stride = width();
        return new ResidualStream(stream, type, hidden, stride).read(buffers.x(), inputs.tokens());
    }

    @Override
    public void prepare() {
        kernels.prepare().launch(stream, inputs, drawing.lastTokens(), derived());
        kernels.attention().plan(stream, inputs);
    }

    @Override
    public void copyBlocks() {
        if (inputs.copyPairs() > 0) {
            copyBlocks(inputs.copyPairList(), inputs.copyPairs());
        }
    }

    @Override
    public void embed() {
        Matrix table = weights.embedding();
        kernels.embedding()
                .launch(
                        stream,
                        derived().tokenIds(),
                        inputs.mediaRow(),
                        inputs.tokens(),
                        table.values(),
                        media,
                        hidden,
                        table.stride(),
                        buffers.x());
        DeviceBuffer first = weights.layers().get(0).attentionNorm();
        kernels.norm().launch(stream, buffers.x(), inputs.tokens(), first, hidden, table.stride(), buffers.normed());
    }

    @Override
    public void attnIn(int layer) {
        kernels.products()
                .heads(
                        weights.layers().get(layer).qkv(),
                        buffers.normed(),
                        inputs.tokens(),
                        derived(),
                        buffers.qkv(),
                        buffers.q(),
                        cache.layers()[layer]);
    }

    @Override
    public void attend(int layer) {
        int stride = weights.layers().get(layer).output().stride();
        kernels.attention()
                .launch(stream, buffers.q(), cache.layers()[layer], inputs, derived(), stride, buffers.attended());
    }

    @Override
    public void attnOut(int layer) {
        TextWeights.Layer w = weights.layers().get(layer);
        addAndNorm(Junction.Turn.ATTENTION, w.output(), buffers.attended(), w.mlpNorm());
    }

    @Override
    public void mlpIn(int layer) {
        TextWeights.Layer w = weights.layers().get(layer);
        kernels.products().gate(w.gateUp(), buffers.normed(), inputs.tokens(), buffers.gateUp(), buffers.f());
    }

    @Override
    public void mlpOut(int layer) {
        Matrix down = weights.layers().get(layer).down();
        if (layer + 1 < weights.layers().size()) {
            addAndNorm(
                    Junction.Turn.MLP,
                    down,
                    buffers.f(),
                    weights.layers().get(layer + 1).attentionNorm());
        } else {
            junction.add(Junction.Turn.MLP, down, buffers.f(), inputs.tokens(), buffers.x(), width());
        }
    }

    @Override
    public void logits() {
        int samples = inputs.samples();
        if (samples > 0) {
            kernels.norm()
                    .gather(
                            stream,
                            buffers.x(),
                            inputs.sampleToken(),
                            samples,
                            weights.norm(),
                            hidden,
                            weights.head().stride(),
                            buffers.normed());
            junction.logits(weights.head(), buffers.normed(), samples, buffers.logits());
        }
    }

    @Override
    public void sample() {
        if (inputs.samples() > 0) {
            drawing.draw(stream, buffers.logits(), inputs);
        }
    }

    private Derived derived() {
        return buffers.derived();
    }

    /** x ← x + from·Wᵀ, and the next half-block's normed ← norm of x. */
    private void addAndNorm(Junction.Turn turn, Matrix w, DeviceBuffer from, DeviceBuffer weight) {
        junction.addAndNorm(turn, w, from, inputs.tokens(), buffers.x(), width(), weight, buffers.normed());
    }

    /** Of x and what is normed, padded. */
    private int width() {
        return weights.embedding().stride();
    }
}

package dev.millrace.gpu;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.Blas;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.operations.Drawing;
import dev.millrace.gpu.operations.GpuTextOperations;
import dev.millrace.gpu.operations.Junction;
import dev.millrace.gpu.operations.KeyValueCache;
import dev.millrace.gpu.operations.ProductRows;
import dev.millrace.gpu.operations.TextBuffers;
import dev.millrace.gpu.operations.TextKernels;
import dev.millrace.gpu.sampling.GpuSampler;
import dev.millrace.gpu.step.DecodeSizes;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.gpu.weights.ModelWeights;
import dev.millrace.gpu.weights.Share;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.forward.Qwen25Vl;
import java.nio.file.Path;

/** Takes one GPU's memory for a draft model, in two parts: all but its key-value cache, and that once its size is known. */
final class DraftStartUp {

    /** Of the tokens that drafts are made after: the last one, and the one before where all drafts were accepted. */
    private static final int LATEST_TOKENS = 2;

    /** What no logit overwrites is not a number, which is never drawn. */
    private static final int NOT_A_NUMBER = 0xff;

    private final Device device;
    private final Stream stream;
    private final ExecutorConfig config;
    private final TextConfig text;
    private final CacheShape shape;
    private final StepLimits limits; // of the draft model's runs
    private final StepLimits step;
    private final ModelWeights weights;
    private final TextKernels kernels;
    private final TextBuffers buffers;
    private final StepInputs inputs;
    private final Drawing.Drafts drawing;
    private final DecodeSizes sizes;
    private GpuTextOperations operations;

    /**
     * @param blas of the stream
     * @param step limits of the steps that drafts are made for
     * @param slots steps in flight
     */
    DraftStartUp(
            Device device,
            Stream stream,
            Blas blas,
            ExecutorConfig config,
            Type type,
            StepLimits step,
            int slots,
            StepInputs stepInputs,
            GpuSampler sampler) {
        this.device = device;
        this.stream = stream;
        this.config = config;
        this.step = step;
        Path folder = Path.of(config.speculation().draftModel());
        ModelConfig checkpoint = ModelConfigReader.read(folder);
        text = checkpoint.text();
        shape = new CacheShape(type, text.numHeads(), text.numKeyValueHeads(), text.headDim());
        limits = new StepLimits(step.draftTokens(), step.rows(), step.tableLength(), 0, 0, text.vocabSize(), 1);
        var textAlone = new ModelConfig(checkpoint.architecture(), checkpoint.dtype(), text, null);
        weights = ModelWeights.load(device, type, folder, textAlone, Share.WHOLE, config.loadFormat());
        kernels = TextKernels.load(device, stream, blas, text, shape, limits);
        inputs = new StepInputs(device, limits, slots * step.drafts(), stepInputs);
        int stride = Math.max(text.vocabSize(), step.vocabSize());
        buffers = buffers(stride);
        DeviceBuffer latest = device.allocate((step.rows() + 1L) * Integer.BYTES, "latest drafts");
        stream.fill(latest, 0);
        drawing = new Drawing.Drafts(sampler, latest, stepInputs, stride);
        sizes = new DecodeSizes(Math.min(limits.tokens(), LATEST_TOKENS * limits.rows()));
    }

    /** Bytes of a block in all layers. */
    long blockBytes() {
        return text.numLayers() * shape.blockBytes();
    }

    /** How many graphs there will be. */
    int graphs() {
        return sizes.count();
    }

    /** Takes the cache, of zeros, and does all products once. */
    void allocate(int numBlocks) {
        DeviceBuffer all = device.allocate(numBlocks * blockBytes(), "the draft model's key-value cache");
        stream.fill(all, 0);
        var junction =
                new Junction.Alone(kernels.products(), stream, kernels.norm(), text.hiddenSize(), drawing.stride());
        operations = new GpuTextOperations(
                stream,
                text,
                weights.text(),
                kernels,
                junction,
                buffers,
                KeyValueCache.of(all, text.numLayers(), shape.blockBytes()),
                inputs,
                all, // no token of text is taken from media
                drawing);
    }

    /** Has cuBLAS load what it is going to choose, and captures the graphs; once all memory was taken. */
    Drafter start() {
        int samples = ProductRows.atLeast(limits.samples());
        ProductRows.upTo(limits.tokens()).forEach(rows -> operations.rehearse(rows, Math.min(rows, samples)));
        stream.fill(buffers.logits(), NOT_A_NUMBER);
        stream.synchronize();
        Qwen25Vl model = Qwen25Vl.text(text.numLayers());
        DecodeGraphs graphs = config.gpu().enforceEager()
                ? DecodeGraphs.none(stream)
                : DecodeGraphs.capture(stream, model, operations, sizes);
        StepLimits known =
                new StepLimits(step.tokens(), step.rows(), step.tableLength(), 0, 0, text.vocabSize(), step.drafts());
        return new Drafter(model, operations, sizes, graphs, known);
    }

    /** Logits have a place of their own, because what lies behind the draft model's vocabulary must stay. */
    private TextBuffers buffers(int stride) {
        Arena measuring = Arena.measuring();
        TextBuffers.in(measuring, text, shape, limits);
        DeviceBuffer logits = device.allocate(
                (long) ProductRows.atLeast(limits.samples()) * stride * Float.BYTES, "the draft model's logits");
        DeviceBuffer room = device.allocate(measuring.peak(), "the draft model's activations");
        return TextBuffers.in(new Arena(room), text, shape, limits).withLogits(logits);
    }
}

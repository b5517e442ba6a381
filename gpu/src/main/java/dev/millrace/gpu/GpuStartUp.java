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
import dev.millrace.gpu.operations.GpuVisionOperations;
import dev.millrace.gpu.operations.Junction;
import dev.millrace.gpu.operations.KeyValueCache;
import dev.millrace.gpu.operations.ProductRows;
import dev.millrace.gpu.operations.RankJunction;
import dev.millrace.gpu.operations.TextBuffers;
import dev.millrace.gpu.operations.TextKernels;
import dev.millrace.gpu.parallel.RankMemory;
import dev.millrace.gpu.sampling.GpuSampler;
import dev.millrace.gpu.sampling.TopLogprobs;
import dev.millrace.gpu.step.DecodeSizes;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.gpu.weights.ModelWeights;
import dev.millrace.gpu.weights.Share;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.forward.Qwen25Vl;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one GPU's memory, all of it at once: weights, registers of the largest step, state of the rows, media, and for the
 * key-value cache what is left of the share that may be taken. Then captures the graphs.
 */
final class GpuStartUp {

    private static final Logger LOG = LoggerFactory.getLogger(GpuStartUp.class);
    private static final int[] NONE = {};
    private static final double NANOS = 1e9;

    /** Steps that may be in flight. */
    private static final int SLOTS = 4;

    /** NVIDIA's advice for Hopper (cuBLAS documentation, cublasSetWorkspace), and more than for what was before. */
    private static final long WORKSPACE_BYTES = 32L << 20;

    /** What is set aside for the graph of one size; not measured, generous for some 500 kernels. */
    private static final long GRAPH_BYTES = 8L << 20;

    private final Device device;
    private final ModelConfig checkpoint;
    private final ExecutorConfig config;
    private final Share share;
    private final TextConfig text; // of the share
    private final CacheShape shape;
    private final int mediaRows; // asked for, with a tower or without
    private final StepLimits limits; // but for the blocks
    private final MemoryBudget memory;
    private final Stream stream;

    /** @param share of the decoder that the device takes */
    GpuStartUp(Device device, ModelConfig checkpoint, ExecutorConfig config, Limits asked, Type type, Share share) {
        device.bindThread();
        this.device = device;
        this.checkpoint = checkpoint;
        this.config = config;
        this.share = share;
        text = share.of(checkpoint.text());
        shape = new CacheShape(type, text.numHeads(), text.numKeyValueHeads(), text.headDim());
        mediaRows = config.mediaRows(asked);
        limits = new StepLimits(
                asked.maxNumBatchedTokens(),
                asked.maxNumSeqs(),
                (asked.maxModelLen() + CacheShape.BLOCK_TOKENS - 1) / CacheShape.BLOCK_TOKENS,
                0,
                checkpoint.hasVision() ? mediaRows : 0,
                text.vocabSize(),
                config.speculation().numTokens());
        memory = new MemoryBudget(device, config, asked);
        stream = device.newStream();
    }

    /** Bytes of memory that this rank shares with the others. */
    long sharedBytes() {
        return RankJunction.bytes(text, shape.type(), limits);
    }

    /**
     * Binds the calling thread.
     *
     * @param ranks memory shared with other GPUs, if there are any; the executor computes once they have begun
     * @throws IllegalArgumentException if the GPU's memory does not do for the configuration
     */
    GpuExecutor start(Path model, Optional<RankMemory> ranks) {
        device.bindThread();
        ModelWeights weights = load(model);
        DeviceBuffer embeddings = device.allocate(
                Math.max(1L, limits.mediaRows())
                        * text.hiddenSize()
                        * shape.type().bytes(),
                "embeddings of media");
        Qwen25Vl forward = forward(checkpoint);
        GpuSampler sampler = new GpuSampler(device, text.vocabSize(), limits.rows(), limits.samples());
        TopLogprobs logprobs = new TopLogprobs(device, text.vocabSize(), limits.samples(), SLOTS);
        StepInputs inputs = new StepInputs(device, limits, SLOTS);
        Blas blas = newBlas(stream);
        MediaEncoder media = encoder(forward, weights, blas, embeddings);
        TextKernels kernels = TextKernels.load(device, stream, blas, text, shape, limits);
        Optional<RankJunction> shared =
                ranks.map(memory -> new RankJunction(device, stream, text, shape.type(), limits, kernels, memory));
        TextBuffers buffers =
                shared.map(it -> buffers().withLogits(it.logits())).orElseGet(this::buffers);
        Junction junction = shared.<Junction>map(it -> it)
                .orElseGet(() -> new Junction.Alone(
                        kernels.products(), stream, kernels.norm(), text.hiddenSize(), text.vocabSize()));
        DecodeSizes sizes = new DecodeSizes(limits.computedSequences());
        Optional<DraftStartUp> draft = draft(blas, inputs, sampler);
        KeyValueCacheSize size = cacheSize(sizes, draft);
        KeyValueCache cache = KeyValueCache.of(
                device.allocate(size.numBlocks() * blockBytes(), "the key-value cache"),
                text.numLayers(),
                shape.blockBytes());
        draft.ifPresent(it -> it.allocate(size.numBlocks()));
        var operations = new GpuTextOperations(
                stream,
                text,
                weights.text(),
                kernels,
                junction,
                buffers,
                cache,
                inputs,
                embeddings,
                new Drawing.Samples(sampler, text.vocabSize()));
        device.seal();
        rehearse(operations, media);
        DecodeGraphs graphs = capture(forward, operations, sizes);
        Drafter drafter = draft.map(DraftStartUp::start).orElse(null);
        StepLimits known = limits.withNumBlocks(size.numBlocks());
        var probing = new Probing(forward, shape.type());
        var launcher = new StepLauncher(probing, known, sizes, stream, operations, graphs, drafter);
        List<StepSlot> slots = IntStream.range(0, SLOTS)
                .mapToObj(i -> new StepSlot(
                        device,
                        i,
                        limits.samples(),
                        text.vocabSize(),
                        sampler.tokens(),
                        buffers.logits(),
                        logprobs,
                        inputs.device(),
                        drafter == null ? 0 : limits.tokens()))
                .toList();
        var encodings = new SlicedEncodings(device, stream);
        return new GpuExecutor(device, stream, launcher, media, encodings, slots, size.numBlocks(), mediaRows);
    }

    private ModelWeights load(Path model) {
        long start = System.nanoTime();
        ModelWeights weights = ModelWeights.load(device, shape.type(), model, checkpoint, share, config.loadFormat());
        LOG.info("Loading weights took {} and {} seconds", MemoryBudget.gib(memory.used()), secondsSince(start));
        return weights;
    }

    private TextBuffers buffers() {
        Arena measuring = Arena.measuring();
        TextBuffers.in(measuring, text, shape, limits);
        return TextBuffers.in(new Arena(device.allocate(measuring.peak(), "activations")), text, shape, limits);
    }

    private Blas newBlas(Stream of) {
        return device.newBlas(of, device.allocate(WORKSPACE_BYTES, "workspace of cuBLAS"));
    }

    /** The tower has room for the whole media buffer at once, so for all items of an encoding. */
    private MediaEncoder encoder(Qwen25Vl forward, ModelWeights weights, Blas blas, DeviceBuffer embeddings) {
        VisionConfig config = checkpoint.vision();
        GpuVisionOperations tower = null;
        if (config != null) {
            int patches = limits.mediaRows() * config.spatialMergeSize() * config.spatialMergeSize();
            DeviceBuffer room = device.allocate(
                    GpuVisionOperations.bytes(config, shape.type(), patches), "activations of the vision tower");
            tower = new GpuVisionOperations(
                    device, config, shape.type(), weights.vision(), stream, blas, room, patches, embeddings);
        }
        var probing = new Probing(forward, shape.type());
        return new MediaEncoder(limits, embeddings, shape.type(), text.hiddenSize(), stream, probing, tower);
    }

    private Optional<DraftStartUp> draft(Blas blas, StepInputs inputs, GpuSampler sampler) {
        return config.speculation().hasDraftModel()
                ? Optional.of(
                        new DraftStartUp(device, stream, blas, config, shape.type(), limits, SLOTS, inputs, sampler))
                : Optional.empty();
    }

    private long blockBytes() {
        return text.numLayers() * shape.blockBytes();
    }

    /** A block of the draft model's lies beside each of the model's. */
    private KeyValueCacheSize cacheSize(DecodeSizes sizes, Optional<DraftStartUp> draft) {
        int count = sizes.count() + draft.map(DraftStartUp::graphs).orElse(0);
        long graphs = config.gpu().enforceEager() ? 0 : count * GRAPH_BYTES;
        long drafts = draft.map(DraftStartUp::blockBytes).orElse(0L);
        KeyValueCacheSize size = memory.cache(blockBytes() + drafts, graphs);
        LOG.info("GPU KV cache size: {} tokens in {}", size.tokenCount(), MemoryBudget.gib(size.bytes()));
        return size;
    }

    /** Has cuBLAS load all the kernels that it is going to choose, whatever {@code CUDA_MODULE_LOADING} says. */
    private void rehearse(GpuTextOperations operations, MediaEncoder media) {
        int samples = ProductRows.atLeast(limits.samples());
        ProductRows.upTo(limits.tokens()).forEach(rows -> operations.rehearse(rows, Math.min(rows, samples)));
        media.rehearse();
        stream.synchronize();
    }

    private DecodeGraphs capture(Qwen25Vl forward, GpuTextOperations operations, DecodeSizes sizes) {
        if (config.gpu().enforceEager()) {
            return DecodeGraphs.none(stream);
        }
        long start = System.nanoTime();
        long before = memory.used();
        DecodeGraphs graphs = DecodeGraphs.capture(stream, forward, operations, sizes);
        LOG.info(
                "Graph capturing finished in {} seconds, took {}",
                secondsSince(start),
                MemoryBudget.gib(memory.used() - before));
        return graphs;
    }

    private static String secondsSince(long start) {
        return String.format(Locale.ROOT, "%.2f", (System.nanoTime() - start) / NANOS);
    }

    private static Qwen25Vl forward(ModelConfig checkpoint) {
        VisionConfig tower = checkpoint.vision();
        int layers = checkpoint.text().numLayers();
        return tower == null
                ? new Qwen25Vl(layers, 0, NONE)
                : new Qwen25Vl(layers, tower.depth(), tower.fullAttentionBlocks());
    }
}

package dev.millrace.cpu;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.cpu.operations.Compute;
import dev.millrace.cpu.operations.CpuTextOperations;
import dev.millrace.cpu.operations.CpuVisionOperations;
import dev.millrace.cpu.operations.Drafting;
import dev.millrace.cpu.operations.KeyValueCacheSize;
import dev.millrace.cpu.operations.MediaBuffer;
import dev.millrace.cpu.operations.SequenceRows;
import dev.millrace.cpu.parallel.ThreadTeam;
import dev.millrace.cpu.weights.PackedMatrix;
import dev.millrace.cpu.weights.TextWeights;
import dev.millrace.cpu.weights.VisionWeights;
import dev.millrace.model.checkpoint.Checkpoint;
import dev.millrace.model.checkpoint.RandomWeights;
import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.forward.Qwen25Vl;
import java.nio.file.Path;
import java.util.List;

/** Makes executors that compute on the JVM. */
public final class CpuExecutorFactory implements ModelExecutorFactory {

    private static final long serialVersionUID = 1;
    private static final List<String> DTYPES = List.of("auto", "bfloat16", "float32");
    private static final long DUMMY_SEED = 0;

    @Override
    public DefaultLimits defaults(ExecutorConfig config) {
        return DefaultLimits.CPU;
    }

    @Override
    public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) {
        return open(model, config, limits, Kernels.choose(config.cpu().allowScalar()));
    }

    /** As {@link #open(Path, ExecutorConfig, Limits)}, with kernels of the caller's choice. */
    ModelExecutor open(Path model, ExecutorConfig config, Limits limits, Kernels kernels) {
        if (!DTYPES.contains(config.dtype())) {
            throw new IllegalArgumentException("dtype " + config.dtype() + " is not supported on the CPU; allowed are "
                    + String.join(", ", DTYPES));
        }
        if (config.gpu().tensorParallelSize() != 1) {
            throw new IllegalArgumentException("--tensor-parallel-size is "
                    + config.gpu().tensorParallelSize() + "; on the CPU a model is not split, so 1 is allowed");
        }
        ModelConfig checkpoint = ModelConfigReader.read(model);
        ModelConfig draft = config.speculation().hasDraftModel()
                ? ModelConfigReader.read(Path.of(config.speculation().draftModel()))
                : null;
        List<TextConfig> decoders =
                draft == null ? List.of(checkpoint.text()) : List.of(checkpoint.text(), draft.text());
        int numBlocks = KeyValueCacheSize.of(
                        decoders, config.cache(), limits, Runtime.getRuntime().maxMemory())
                .numBlocks();
        int asked = config.cpu().threads();
        int threads = asked > 0 ? asked : Runtime.getRuntime().availableProcessors();
        ThreadTeam team = new ThreadTeam(threads);
        try (WeightSource weights = source(model, checkpoint.text().tieWordEmbeddings(), config.loadFormat())) {
            return open(checkpoint, draft, config, limits, weights, numBlocks, new Compute(kernels, team), team);
        } catch (OutOfMemoryError e) {
            team.close();
            throw new IllegalArgumentException(heapTooSmall(limits), e);
        } catch (RuntimeException | Error e) {
            team.close();
            throw e;
        }
    }

    private static String heapTooSmall(Limits limits) {
        return "The JVM's heap of " + (Runtime.getRuntime().maxMemory() >> 20)
                + " MiB does not hold the weights, the key-value cache and the activations of a step of "
                + limits.maxNumBatchedTokens() + " tokens. Give it more with -Xmx (in a Flink cluster:"
                + " taskmanager.memory.task.heap.size), or lower --kv-cache-memory-bytes or --max-num-batched-tokens.";
    }

    private static CpuExecutor open(
            ModelConfig checkpoint,
            ModelConfig draft,
            ExecutorConfig config,
            Limits limits,
            WeightSource weights,
            int numBlocks,
            Compute compute,
            ThreadTeam team) {
        boolean exact = config.dtype().equals("float32");
        VisionConfig tower = checkpoint.vision();
        int hidden = checkpoint.text().hiddenSize();
        int mediaRows = tower == null ? 0 : config.mediaRows(limits);
        MediaBuffer media = new MediaBuffer(mediaRows, hidden, PackedMatrix.padInner(hidden));
        int vocabulary = checkpoint.text().vocabSize();
        SequenceRows rows = new SequenceRows(limits.maxNumSeqs());
        CpuTextOperations text = new CpuTextOperations(
                checkpoint.text(),
                TextWeights.load(weights, checkpoint.text(), exact),
                compute,
                media,
                rows,
                numBlocks,
                vocabulary,
                limits.maxNumBatchedTokens(),
                limits.maxNumSeqs() * (1 + config.speculation().numTokens()));
        Drafting drafting =
                draft == null ? null : drafting(draft.text(), config, limits, compute, rows, numBlocks, vocabulary);
        CpuVisionOperations vision = tower == null
                ? null
                : new CpuVisionOperations(tower, VisionWeights.load(weights, tower, exact), compute, media);
        Qwen25Vl forward = tower == null
                ? Qwen25Vl.text(checkpoint.text().numLayers())
                : new Qwen25Vl(checkpoint.text().numLayers(), tower.depth(), tower.fullAttentionBlocks());
        WarmUp warmUp = new WarmUp(tower, limits.maxNumBatchedTokens(), mediaRows);
        return new CpuExecutor(
                forward,
                text,
                vision,
                drafting,
                media,
                team,
                warmUp,
                numBlocks,
                config.cache().blockSize());
    }

    private static Drafting drafting(
            TextConfig draft,
            ExecutorConfig config,
            Limits limits,
            Compute compute,
            SequenceRows rows,
            int numBlocks,
            int sampledVocabulary) {
        Path folder = Path.of(config.speculation().draftModel());
        try (WeightSource weights = source(folder, draft.tieWordEmbeddings(), config.loadFormat())) {
            CpuTextOperations text = new CpuTextOperations(
                    draft,
                    TextWeights.load(weights, draft, config.dtype().equals("float32")),
                    compute,
                    null,
                    rows,
                    numBlocks,
                    sampledVocabulary,
                    limits.maxNumBatchedTokens() + limits.maxNumSeqs(),
                    limits.maxNumSeqs());
            return new Drafting(Qwen25Vl.text(draft.numLayers()), text, rows);
        }
    }

    private static WeightSource source(Path model, boolean tied, String loadFormat) {
        return switch (loadFormat) {
            case "auto" -> Checkpoint.open(model, tied);
            case "dummy" -> new RandomWeights(DUMMY_SEED);
            default -> throw new IllegalArgumentException(
                    "load format " + loadFormat + " is not supported; allowed are auto, dummy");
        };
    }
}

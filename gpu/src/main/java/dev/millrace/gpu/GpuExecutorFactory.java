package dev.millrace.gpu;

import dev.millrace.gpu.device.CudaException;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.FatalCudaError;
import dev.millrace.gpu.device.GpuClaim;
import dev.millrace.gpu.device.GpuSelection;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.parallel.RankMemory;
import dev.millrace.gpu.parallel.StopWord;
import dev.millrace.gpu.weights.Share;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Makes executors that compute on NVIDIA GPUs. */
public final class GpuExecutorFactory implements ModelExecutorFactory {

    private static final long serialVersionUID = 1;
    private static final String HOLDER = "Millrace";

    /** How long a GPU waits for another: longer than a picture takes, or a pause of the JVM. */
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    /** Those of the least of the GPUs that may be used. */
    @Override
    public DefaultLimits defaults(ExecutorConfig config) {
        return selection(config.gpu()).groups().stream()
                .flatMap(List::stream)
                .map(ordinal -> DefaultLimits.ofGpu(Device.totalMemory(ordinal), Device.name(ordinal)))
                .min(Comparator.comparingInt(DefaultLimits::maxNumBatchedTokens))
                .orElseThrow();
    }

    @Override
    public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) {
        Type type = type(config.dtype());
        check(config);
        ModelConfig checkpoint = ModelConfigReader.read(model);
        Share.check(checkpoint.text(), config.gpu().tensorParallelSize());
        GpuClaim claim = GpuClaim.first(selection(config.gpu()), HOLDER);
        try {
            return open(claim, model, checkpoint, config, limits, type);
        } catch (RuntimeException | Error e) {
            claim.close();
            throw e;
        }
    }

    private static GpuSelection selection(ExecutorConfig.Gpu gpu) {
        return GpuSelection.of(
                gpu.assigned(),
                Optional.of(gpu.ids()).filter(ids -> !ids.isEmpty()),
                Optional.ofNullable(System.getenv("CUDA_VISIBLE_DEVICES")),
                Device.count(),
                gpu.tensorParallelSize());
    }

    private static ModelExecutor open(
            GpuClaim claim, Path model, ModelConfig checkpoint, ExecutorConfig config, Limits limits, Type type) {
        List<Device> devices = new ArrayList<>();
        List<GpuExecutor> ranks = new ArrayList<>();
        try {
            claim.ordinals().forEach(ordinal -> devices.add(Device.open(ordinal)));
            if (config.speculation().hasDraftModel()) {
                checkAlike(devices);
            }
            Optional<StopWord> stop = start(devices, ranks, model, checkpoint, config, limits, type);
            return new RankedExecutor(claim, ranks, stop);
        } catch (CudaException e) {
            FatalCudaError.endProcessIfSticky(e);
            close(devices, ranks);
            String gpu = devices.isEmpty() ? "The GPU" : devices.get(0).name();
            throw new IllegalArgumentException(
                    e.isOutOfMemory() ? tooSmall(limits) : gpu + " cannot be used: " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            close(devices, ranks);
            throw e;
        }
    }

    /**
     * Starts one rank after the other, and lets them wait for each other when all have loaded and captured everything: what
     * the driver does for that may wait for all that the GPUs are doing.
     *
     * @return what ends the waiting of several
     */
    private static Optional<StopWord> start(
            List<Device> devices,
            List<GpuExecutor> ranks,
            Path model,
            ModelConfig checkpoint,
            ExecutorConfig config,
            Limits limits,
            Type type) {
        List<GpuStartUp> startUps = new ArrayList<>();
        for (Device device : devices) {
            Share share = new Share(startUps.size(), devices.size());
            startUps.add(new GpuStartUp(device, checkpoint, config, limits, type, share));
        }
        if (devices.size() == 1) {
            ranks.add(startUps.get(0).start(model, Optional.empty()));
            return Optional.empty();
        }
        List<RankMemory> memories = RankMemory.allocate(devices, startUps.get(0).sharedBytes(), PATIENCE_NANOS);
        for (RankMemory memory : memories) {
            ranks.add(startUps.get(memory.rank()).start(model, Optional.of(memory)));
        }
        RankMemory.begin(devices, memories);
        return Optional.of(memories.get(0).stop());
    }

    /** Each has all of the draft model, and must make the same drafts, bit for bit: so does cuBLAS on equal GPUs alone. */
    private static void checkAlike(List<Device> devices) {
        Device first = devices.get(0);
        for (Device device : devices) {
            if (!device.name().equals(first.name()) || device.multiprocessors() != first.multiprocessors()) {
                throw new IllegalArgumentException("a draft model beside --tensor-parallel-size " + devices.size()
                        + " needs GPUs of one kind; these are " + first.name() + " and " + device.name());
            }
        }
    }

    private static void close(List<Device> devices, List<GpuExecutor> ranks) {
        RankedExecutor.closeAll(ranks);
        devices.subList(ranks.size(), devices.size()).forEach(Device::close);
    }

    private static String tooSmall(Limits limits) {
        return "The GPU's memory does not hold the weights, the key-value cache and the activations of a step of "
                + limits.maxNumBatchedTokens() + " tokens and " + limits.maxNumSeqs()
                + " sequences. Lower --gpu-memory-utilization, --max-num-batched-tokens or --max-num-seqs, or end what"
                + " else uses the GPU.";
    }

    private static Type type(String dtype) {
        return switch (dtype) {
            case "auto", "bfloat16" -> Type.BF16;
            case "float32" -> Type.F32;
            case "float16" -> throw new IllegalArgumentException(
                    "dtype float16 is not supported: activations of"
                            + " Qwen2.5-VL's vision tower exceed its largest value, 65504; allowed are auto, bfloat16, float32");
            default -> throw new IllegalArgumentException(
                    "dtype " + dtype + " is not supported on the GPU; allowed are auto, bfloat16, float32");
        };
    }

    private static void check(ExecutorConfig config) {
        if (config.cache().blockSize() != CacheShape.BLOCK_TOKENS) {
            throw new IllegalArgumentException("block size " + config.cache().blockSize()
                    + " is not supported on the GPU; allowed is " + CacheShape.BLOCK_TOKENS);
        }
        double share = config.gpu().memoryUtilization();
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "--gpu-memory-utilization is " + share + "; a share above 0 and at most 1 is allowed");
        }
        if (config.speculation().hasDraftModel() && config.speculation().numTokens() < 1) {
            throw new IllegalArgumentException(
                    "a draft model that drafts " + config.speculation().numTokens() + " tokens; at least 1 is allowed");
        }
        int ranks = config.gpu().tensorParallelSize();
        if (ranks < 1 || ranks > RankMemory.MOST_RANKS) {
            throw new IllegalArgumentException("--tensor-parallel-size is " + ranks + "; a model is spread over 1 to "
                    + RankMemory.MOST_RANKS + " GPUs");
        }
        if (ranks > 1 && !Device.loadsEagerly()) {
            throw new IllegalArgumentException("--tensor-parallel-size is " + ranks
                    + "; above 1 the NVIDIA driver must load kernels early, because one that is loaded late could wait for"
                    + " a GPU that waits for another: start the process with CUDA_MODULE_LOADING=EAGER in its environment"
                    + " (it is "
                    + Optional.ofNullable(System.getenv("CUDA_MODULE_LOADING")).orElse("not set")
                    + ", and the driver was started before or told otherwise)");
        }
    }
}

package dev.millrace.gpu;

import dev.millrace.gpu.device.CudaException;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.FatalCudaError;
import dev.millrace.gpu.device.GpuClaim;
import dev.millrace.gpu.device.GpuSelection;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.nio.file.Path;
import java.util.Optional;

/** Makes executors that compute on NVIDIA GPUs. */
public final class GpuExecutorFactory implements ModelExecutorFactory {

    private static final long serialVersionUID = 1;
    private static final String HOLDER = "Millrace";

    @Override
    public ModelExecutor open(Path model, ExecutorConfig config) {
        Type type = type(config.dtype());
        check(config);
        ModelConfig checkpoint = ModelConfigReader.read(model);
        GpuSelection selection = GpuSelection.of(
                config.gpu().assigned(),
                Optional.of(config.gpu().ids()).filter(ids -> !ids.isEmpty()),
                Optional.ofNullable(System.getenv("CUDA_VISIBLE_DEVICES")),
                Device.count(),
                config.gpu().tensorParallelSize());
        GpuClaim claim = GpuClaim.first(selection, HOLDER);
        try {
            return open(claim, model, checkpoint, config, type);
        } catch (RuntimeException | Error e) {
            claim.close();
            throw e;
        }
    }

    private static ModelExecutor open(
            GpuClaim claim, Path model, ModelConfig checkpoint, ExecutorConfig config, Type type) {
        Device device = Device.open(claim.ordinals().get(0));
        try {
            return new GpuStartUp(device, checkpoint, config, type).start(claim, model);
        } catch (CudaException e) {
            FatalCudaError.endProcessIfSticky(e);
            device.close();
            throw new IllegalArgumentException(
                    e.isOutOfMemory() ? tooSmall(config) : device.name() + " cannot be used: " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            device.close();
            throw e;
        }
    }

    private static String tooSmall(ExecutorConfig config) {
        return "The GPU's memory does not hold the weights, the key-value cache and the activations of a step of "
                + config.maxNumBatchedTokens() + " tokens and " + config.maxNumSeqs()
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
        if (config.blockSize() != CacheShape.BLOCK_TOKENS) {
            throw new IllegalArgumentException("block size " + config.blockSize()
                    + " is not supported on the GPU; allowed is " + CacheShape.BLOCK_TOKENS);
        }
        double share = config.gpu().memoryUtilization();
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "--gpu-memory-utilization is " + share + "; a share above 0 and at most 1 is allowed");
        }
        if (config.gpu().tensorParallelSize() != 1) {
            throw new IllegalArgumentException("--tensor-parallel-size is "
                    + config.gpu().tensorParallelSize() + "; a model runs on one GPU, so 1 is allowed");
        }
    }
}

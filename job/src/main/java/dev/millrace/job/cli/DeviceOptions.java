package dev.millrace.job.cli;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.gpu.GpuExecutorFactory;
import dev.millrace.gpu.device.Device;
import dev.millrace.job.AutoExecutorFactory;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What computes. Names, meanings and defaults of the flags are vLLM's where it has them. */
public final class DeviceOptions {

    /** Where a model can run. */
    enum Kind {
        auto,
        cpu,
        gpu,
        cuda
    }

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            description = "What computes: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}, a GPU where one is found"
                    + " that can be used, else the CPU; cuda is gpu).")
    private Kind device = Kind.auto;

    @Option(
            names = "--gpu-memory-utilization",
            paramLabel = "SHARE",
            converter = Share.class,
            description =
                    "Share of the GPU's memory that may be taken, above 0 and at most 1 (default: ${DEFAULT-VALUE});"
                            + " the key-value cache gets what the rest leaves.")
    private double gpuMemoryUtilization = 0.92;

    @Option(
            names = "--enforce-eager",
            negatable = true,
            description = "Launches each kernel on the GPU by itself, without CUDA graphs.")
    private boolean enforceEager;

    @Option(
            names = "--gpu-ids",
            paramLabel = "N[,N...]",
            converter = GpuIds.class,
            description = "GPUs that may be used, one a subtask, counted among those that CUDA_VISIBLE_DEVICES leaves"
                    + " visible (default: all).")
    private String gpuIds = ExecutorConfig.Gpu.DEFAULT.ids();

    @Option(
            names = {"--tensor-parallel-size", "-tp"},
            paramLabel = "N",
            converter = TensorParallelSize.class,
            description =
                    "GPUs that share one model, which must reach each other's memory; attention heads and MLP width"
                            + " must divide by it (default: ${DEFAULT-VALUE}).")
    private int tensorParallelSize = ExecutorConfig.Gpu.DEFAULT.tensorParallelSize();

    /**
     * What makes executors in this process.
     *
     * @throws InvalidInputException if a GPU was asked for that cannot be used
     */
    public ModelExecutorFactory executors() {
        if (device == Kind.gpu || device == Kind.cuda) {
            Optional<String> obstacle = Device.obstacle();
            if (obstacle.isPresent()) {
                throw new InvalidInputException(
                        "--device " + device + ": " + obstacle.get() + "; auto and cpu are allowed", "--device");
            }
        }
        return executorsElsewhere();
    }

    /** What makes executors in another process, where it is seen then whether a GPU can be used. */
    ModelExecutorFactory executorsElsewhere() {
        return switch (device) {
            case auto -> new AutoExecutorFactory();
            case cpu -> new CpuExecutorFactory();
            case gpu, cuda -> new GpuExecutorFactory();
        };
    }

    /** What an executor on GPUs is told. */
    public ExecutorConfig.Gpu gpu() {
        return new ExecutorConfig.Gpu(gpuMemoryUtilization, enforceEager, tensorParallelSize, gpuIds);
    }
}

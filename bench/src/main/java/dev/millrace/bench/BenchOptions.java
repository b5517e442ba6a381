package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.pictures.ImageSize;
import dev.millrace.gpu.device.Type;
import dev.millrace.job.cli.DeviceOptions;
import dev.millrace.job.cli.Dtype;
import dev.millrace.job.cli.SpeculativeConfig;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What every measurement of the engine takes. */
final class BenchOptions {

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Folder of the model.")
    Path model;

    @Option(
            names = "--input-len",
            paramLabel = "TOKENS",
            converter = Count.class,
            description = "Random tokens of each prompt (default: ${DEFAULT-VALUE}).")
    int inputLen = 32;

    @Option(
            names = "--output-len",
            paramLabel = "TOKENS",
            converter = Count.FromTwo.class,
            description = "Tokens generated for each prompt, whatever they are (default: ${DEFAULT-VALUE}).")
    int outputLen = 128;

    @Option(
            names = "--images",
            paramLabel = "WxH",
            arity = "1..*",
            converter = ImageSize.Converter.class,
            description = "Random pictures of these sizes in every prompt, such as 112x112 448x448 (default: none).")
    List<ImageSize> images = new ArrayList<>();

    @Option(
            names = "--load-format",
            paramLabel = "FORMAT",
            description =
                    "auto reads the checkpoint, dummy makes random weights of its shapes (default: ${DEFAULT-VALUE}).")
    LoadFormat loadFormat = LoadFormat.auto;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            converter = Dtype.Converter.class,
            description = "How weights are held: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    Dtype dtype = Dtype.auto;

    @Option(
            names = "--max-num-batched-tokens",
            paramLabel = "TOKENS",
            converter = Count.class,
            description = "Token budget of a step (default: ${DEFAULT-VALUE}).")
    int maxNumBatchedTokens = 2048;

    @Option(
            names = "--threads",
            paramLabel = "N",
            converter = Count.class,
            description = "Threads that compute (default: one for each core).")
    int threads;

    @Option(names = "--allow-scalar", description = "Goes on, slowly, where the JVM offers no vector instructions.")
    boolean allowScalar;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Seed of prompts and pictures (default: ${DEFAULT-VALUE}).")
    long seed;

    @Option(
            names = "--gpu-ceilings",
            paramLabel = "TB/s,TFLOP/s",
            split = ",",
            description = "Copy and matrix rates of the GPU, from which the floor follows (default: measured first).")
    double[] gpuCeilings;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the figures as JSON, too.")
    Path json;

    @Mixin
    DeviceOptions device;

    @Option(
            names = "--speculative-config",
            paramLabel = "JSON",
            converter = SpeculativeConfig.Converter.class,
            description = SpeculativeConfig.DESCRIPTION)
    SpeculativeConfig speculativeConfig = SpeculativeConfig.NONE;

    /** What the flags say of an executor. */
    ExecutorConfig executorConfig() {
        return ExecutorConfig.DEFAULT
                .withDtype(dtype.name())
                .withLoadFormat(loadFormat.name())
                .withCpu(new Cpu(threads, allowScalar))
                .withGpu(device.gpu());
    }

    /**
     * Sequences that are to run at a time, which must all find a place in a step.
     *
     * @param flag the flag that says how many
     * @throws InvalidInputException if the budget is smaller
     */
    int withinBudget(String flag, int sequences) {
        if (sequences > maxNumBatchedTokens) {
            throw new InvalidInputException(
                    "--max-num-batched-tokens is %d, but must be at least %s, %d; raise the one or lower the other"
                            .formatted(maxNumBatchedTokens, flag, sequences),
                    "--max-num-batched-tokens");
        }
        return sequences;
    }

    /**
     * What the GPU can do at most; null where the work is done elsewhere.
     *
     * @throws InvalidInputException if the ceilings given are not two numbers above nought
     */
    GpuCeiling ceiling() {
        boolean given = gpuCeilings != null;
        if (given && (gpuCeilings.length != 2 || !(gpuCeilings[0] > 0) || !(gpuCeilings[1] > 0))) {
            throw new InvalidInputException(
                    "--gpu-ceilings is %s; two numbers above 0 are allowed, such as 4.27,730"
                            .formatted(Arrays.toString(gpuCeilings)),
                    "--gpu-ceilings");
        }
        if (!GpuCeiling.applies(device)) {
            return null;
        }
        if (!given) {
            return GpuCeiling.measure(device.gpu(), gpuType(), GpuCeiling.COPY_BYTES, GpuCeiling.SIDE);
        }
        return GpuCeiling.known(gpuCeilings[0], gpuCeilings[1]);
    }

    /** How a GPU holds the weights. */
    Type gpuType() {
        return dtype == Dtype.float32 ? Type.F32 : Type.BF16;
    }

    /** Where weights come from. */
    enum LoadFormat {
        auto,
        dummy
    }
}

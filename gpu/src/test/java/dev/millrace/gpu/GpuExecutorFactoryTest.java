package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.GpuUnavailableException;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GpuExecutorFactoryTest {

    private static final Limits LIMITS = new Limits(64, 4, 64);
    private static final ExecutorConfig SMALL =
            ExecutorConfig.DEFAULT.withDtype("float32").withMediaRows(16).withCpu(new Cpu(1, false));

    @TempDir
    private Path folder;

    @Test
    void whatAGpuCannotDoIsRefusedByNameBeforeOneIsLookedFor() {
        assertRefused(config("float16", 16, 0.9, 1), "float16", "65504");
        assertRefused(config("float8", 16, 0.9, 1), "dtype float8", "bfloat16");
        assertRefused(config("auto", 8, 0.9, 1), "block size 8", "16");
        assertRefused(config("auto", 16, 0, 1), "--gpu-memory-utilization is 0.0");
        assertRefused(config("auto", 16, Double.NaN, 1), "--gpu-memory-utilization is NaN");
        assertRefused(config("auto", 16, 0.9, 9), "--tensor-parallel-size is 9", "1 to 8 GPUs");
    }

    @Test
    void aDraftModelThatDraftsNothingIsRefused() {
        var speculation = new ExecutorConfig.Speculation(Models.GOLDEN_B.toString(), 0);
        assertRefused(config("float32", 16, 0.5, 1).withSpeculation(speculation), "drafts 0 tokens");
    }

    private static void assertRefused(ExecutorConfig config, String... named) {
        assertThatThrownBy(() -> Models.gpu(Models.GOLDEN_A, config, LIMITS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(named);
    }

    private static ExecutorConfig config(String dtype, int blockSize, double share, int tensorParallelSize) {
        return SMALL.withDtype(dtype)
                .withCache(new Cache(blockSize, 40, 0, false))
                .withGpu(new ExecutorConfig.Gpu(share, true, tensorParallelSize, ""));
    }

    @Test
    @Tag("device")
    void aGpuServesOneExecutorAtATime() {
        try (ModelExecutor first = Models.eager(Models.GOLDEN_B)) {
            assertThat(first.blockSize()).isEqualTo(16);
            assertThatThrownBy(() -> Models.eager(Models.GOLDEN_B))
                    .isInstanceOf(GpuUnavailableException.class)
                    .hasMessageContaining("GPU 0 is held by");
        }
        Models.eager(Models.GOLDEN_B).close();
    }

    @Test
    @Tag("device")
    void theCacheTakesWhatTheShareLeaves() {
        int blocks = blocksWith(0.4);
        assertThat(blocksWith(0.5)).isGreaterThan(blocks);
        // model b: 2 layers, 1 head of 16: a block of keys and values in fp32 takes 4096 bytes
        ExecutorConfig given = SMALL.withCache(Cache.ofBytes(4096 * 20 + 5));
        try (ModelExecutor executor = Models.gpu(Models.GOLDEN_B, given, new Limits(64, 4, 300))) {
            assertThat(executor.numBlocks()).isEqualTo(20);
        }
    }

    private static int blocksWith(double share) {
        ExecutorConfig config = SMALL.withGpu(new ExecutorConfig.Gpu(share, true, 1, ""));
        try (ModelExecutor executor = Models.gpu(Models.GOLDEN_B, config, LIMITS)) {
            return executor.numBlocks();
        }
    }

    @Test
    @Tag("device")
    void memoryThatOthersHoldIsNotPromised() {
        try (Device other = Device.open(0)) {
            try (var held = other.allocate(other.totalMemory() / 5, "what another process holds")) {
                assertThatThrownBy(() -> Models.gpu(Models.GOLDEN_B, SMALL, LIMITS))
                        .as("%s", held)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("is less than the desired GPU memory utilization (0.9,")
                        .hasMessageContaining("--gpu-memory-utilization");
            }
        }
        Models.gpu(Models.GOLDEN_B, SMALL.withGpu(new ExecutorConfig.Gpu(0.4, true, 1, "")), LIMITS)
                .close();
    }

    @Test
    @Tag("device")
    void aModelLengthThatDoesNotFitIsRefusedWithBothNumbersAndTheGpuIsFreeAgain() {
        ExecutorConfig config = SMALL.withCache(Cache.ofBlocks(10));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> Models.gpu(Models.GOLDEN_B, config, new Limits(64, 4, 145)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("The model's max seq len (145) is larger than")
                    .hasMessageContaining("KV cache (144)");
        }
    }

    @Test
    @Tag("device")
    void aCacheThatMayBeShortIsTaken() {
        ExecutorConfig config = SMALL.withCache(new Cache(16, 10, 0, true));
        try (ModelExecutor executor = Models.gpu(Models.GOLDEN_B, config, new Limits(64, 4, 145))) {
            assertThat(executor.cacheTokens()).isEqualTo(144);
        }
    }

    @Test
    @Tag("device")
    void theDefaultLimitsAreThoseOfTheGpu() {
        assertThat(new GpuExecutorFactory().defaults(SMALL))
                .isEqualTo(DefaultLimits.ofGpu(Device.totalMemory(0), Device.name(0)));
        try (Device device = Device.open(0)) {
            assertThat(Device.name(0)).isEqualTo(device.name());
            assertThat(Device.totalMemory(0)).isEqualTo(device.totalMemory());
        }
        ExecutorConfig elsewhere = SMALL.withGpu(new ExecutorConfig.Gpu(0.9, true, 1, "99"));
        assertThatThrownBy(() -> new GpuExecutorFactory().defaults(elsewhere))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessageContaining("names GPU 99");
    }

    @Test
    @Tag("device")
    void moreMemoryThanThereIsIsRefusedWithTheFlagsToLower() {
        ExecutorConfig config = SMALL.withCache(Cache.ofBlocks(100_000_000));
        assertThatThrownBy(() -> Models.gpu(Models.GOLDEN_B, config, LIMITS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("--gpu-memory-utilization")
                .hasMessageContaining("--max-num-seqs")
                .rootCause()
                .hasMessageContaining("the key-value cache");
    }

    /**
     * A head of 128 values, a group of seven and bf16: the tensor cores' kernels, against the generic ones in single precision.
     * Weights and activations are rounded to 2^-9, so that logits of deviation one differ by a few hundredths.
     */
    @Test
    @Tag("device")
    void theKernelsForTheReleasedShapesAgreeWithTheGenericOnes() throws IOException {
        ReleasedShape.checkKernels(ReleasedShape.write(folder, 1), 1);
    }
}

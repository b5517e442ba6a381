package dev.millrace.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.cpu.Driver.Chunk;
import dev.millrace.cpu.Driver.Sequence;
import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ExecutorConfig.Cpu;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class CpuExecutorTest {

    private static final Path MODEL = Golden.ROOT.resolve("golden/model-b");
    private static final int[] NONE = {};
    private static final Limits LIMITS = new Limits(64, 4, 64);
    private static final ExecutorConfig SMALL = ExecutorConfig.DEFAULT
            .withCache(Cache.ofBlocks(40))
            .withMediaRows(16)
            .withCpu(new Cpu(1, false));

    @Test
    void aFailedStepFailsThoseBehindItAndNoOtherHearsTwice() {
        List<String> heard = new CopyOnWriteArrayList<>();
        try (ModelExecutor executor = Executors.open(MODEL, Kernels.vector(), 2)) {
            for (int step = 0; step < 4; step++) {
                executor.launch(oneToken(step, step == 2 ? 1_000_000 : 5), new StepListener() {
                    @Override
                    public void completed(StepOutput output) {
                        heard.add("completed " + output.step());
                    }

                    @Override
                    public void failed(long step, Throwable cause) {
                        heard.add("failed " + step);
                    }
                });
            }
        }
        assertThat(heard).containsExactly("completed 0", "completed 1", "failed 2", "failed 3");
    }

    @Test
    void aFailedEncodingFailsWhatIsBehindItAndEachHearsOnce() {
        MediaItem small = new MediaItem(new MediaKey(1, 1), false, 1, 2, 2, 0, new float[1]);
        List<String> heard = new CopyOnWriteArrayList<>();
        EncodingListener encodings = new EncodingListener() {
            @Override
            public void encoded(long encoding) {
                heard.add("encoded " + encoding);
            }

            @Override
            public void encodingFailed(long encoding, Throwable cause) {
                heard.add("encoding failed " + encoding);
            }
        };
        try (ModelExecutor executor = Executors.open(MODEL, Kernels.vector(), 2)) {
            executor.encode(new EncoderBatch(0, List.of()), encodings);
            executor.encode(new EncoderBatch(1, List.of(new MediaInput(small, new int[1]))), encodings);
            executor.encode(new EncoderBatch(2, List.of()), encodings);
            executor.launch(oneToken(0, 5), new StepListener() {
                @Override
                public void completed(StepOutput output) {
                    heard.add("completed " + output.step());
                }

                @Override
                public void failed(long step, Throwable cause) {
                    heard.add("failed " + step);
                }
            });
        }
        assertThat(heard).containsExactly("encoded 0", "encoding failed 1", "encoding failed 2", "failed 0");
    }

    @Test
    void copiedBlocksContinueAsTheOriginalDoes() {
        try (ModelExecutor executor = Executors.open(MODEL, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 4, 1);
            Sequence original = driver.sequence(PreparedPrompt.text(new int[] {3, 1, 4, 1, 5, 9, 2, 6}));
            Sequence copy = driver.sequence(original.prompt);
            driver.run(new Chunk(original, 8, 1));
            original.append(42);
            float[] expected = driver.run(new Chunk(original, 1, 1)).logits();
            driver.skip(copy, 8, original);
            copy.append(42);
            assertThat(driver.run(new Chunk(copy, 1, 1)).logits()).isEqualTo(expected);
        }
    }

    @Test
    void launchingAfterCloseIsRefused() {
        ModelExecutor executor = Executors.open(MODEL, Kernels.vector(), 1);
        executor.close();
        executor.close();
        Driver driver = new Driver(executor, 1, 1);
        Sequence sequence = driver.sequence(PreparedPrompt.text(new int[] {1}));
        assertThatThrownBy(() -> driver.launch(driver.rest(sequence)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("after close");
    }

    @Test
    void closeWaitsForLaunchedSteps() {
        List<StepOutput> heard = new ArrayList<>();
        try (ModelExecutor executor = Executors.open(MODEL, Kernels.vector(), 2)) {
            for (int step = 0; step < 20; step++) {
                executor.launch(oneToken(step, 5), new StepListener() {
                    @Override
                    public void completed(StepOutput output) {
                        heard.add(output);
                    }

                    @Override
                    public void failed(long step, Throwable cause) {
                        throw new AssertionError(cause);
                    }
                });
            }
        }
        assertThat(heard).hasSize(20);
    }

    @Test
    void aModelLengthThatDoesNotFitIsRefusedWithBothNumbers() {
        assertThatThrownBy(() -> new CpuExecutorFactory()
                        .open(MODEL, SMALL.withCache(Cache.ofBlocks(10)), new Limits(64, 4, 145)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("The model's max seq len (145) is larger than")
                .hasMessageContaining("KV cache (144)");
    }

    @Test
    void theCacheTakesAsManyBlocksAsItsBytesHold() {
        // 2 layers, 1 head of 16, values padded to 32: 2 * 16 * (16 + 32) * 4 bytes a block
        ExecutorConfig config = SMALL.withCache(Cache.ofBytes(6144 * 20 + 5));
        try (ModelExecutor executor = new CpuExecutorFactory().open(MODEL, config, new Limits(64, 4, 300))) {
            assertThat(executor.numBlocks()).isEqualTo(20);
            assertThat(executor.cacheTokens()).isEqualTo(19 * 16);
        }
    }

    @Test
    void aCacheThatMayBeShortIsTakenIfItHoldsABlock() {
        ExecutorConfig two = SMALL.withCache(new Cache(16, 2, 0, true));
        try (ModelExecutor executor = new CpuExecutorFactory().open(MODEL, two, new Limits(64, 4, 145))) {
            assertThat(executor.cacheTokens()).isEqualTo(16);
        }
        ExecutorConfig one = SMALL.withCache(new Cache(16, 1, 0, true));
        assertThatThrownBy(() -> new CpuExecutorFactory().open(MODEL, one, new Limits(64, 4, 145)))
                .hasMessageContaining("KV cache (0)");
    }

    @Test
    void whatTheProcessorCannotDoIsRefusedByName() {
        assertThatThrownBy(() -> open("float8", "auto", 16)).hasMessageContaining("dtype float8");
        assertThatThrownBy(() -> open("auto", "gguf", 16)).hasMessageContaining("load format gguf");
        assertThatThrownBy(() -> open("auto", "auto", 8)).hasMessageContaining("block size 8");
        ExecutorConfig split = SMALL.withGpu(new ExecutorConfig.Gpu(0.9, false, 2, ""));
        assertThatThrownBy(() -> new CpuExecutorFactory().open(MODEL, split, LIMITS))
                .hasMessageContaining("--tensor-parallel-size is 2");
    }

    @Test
    void dummyWeightsNeedNoWeightFile() {
        try (ModelExecutor executor = open("auto", "dummy", 16)) {
            Driver driver = new Driver(executor, 1, 1);
            Sequence sequence = driver.sequence(PreparedPrompt.text(new int[] {1, 2, 3}));
            for (float logit : driver.run(driver.rest(sequence)).logits()) {
                assertThat(logit).isFinite();
            }
        }
    }

    @Test
    void aStepThatFailedSaysWhy() {
        try (ModelExecutor executor = Executors.open(MODEL, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 1, 1);
            Sequence sequence = driver.sequence(PreparedPrompt.text(new int[] {1_000_000}));
            assertThatThrownBy(() -> driver.run(driver.rest(sequence)))
                    .isInstanceOf(CompletionException.class)
                    .hasRootCauseMessage("token id 1000000 is outside the vocabulary of 384");
        }
    }

    private static ModelExecutor open(String dtype, String loadFormat, int blockSize) {
        return new CpuExecutorFactory()
                .open(
                        MODEL,
                        SMALL.withDtype(dtype).withLoadFormat(loadFormat).withCache(new Cache(blockSize, 40, 0, false)),
                        LIMITS);
    }

    @Test
    void aStepDrawsOnlyWhatItsMaskAllows() {
        try (ModelExecutor executor = open("auto", "auto", 16)) {
            CompletableFuture<StepOutput> result = new CompletableFuture<>();
            int[] only77 = new int[384 / 32];
            only77[77 >>> 5] = 1 << 77;
            executor.launch(oneToken(1, 5, new int[][] {only77}), new StepListener() {
                @Override
                public void completed(StepOutput output) {
                    result.complete(output);
                }

                @Override
                public void failed(long step, Throwable cause) {
                    result.completeExceptionally(cause);
                }
            });
            assertThat(result.join().tokens()).containsExactly(77);
        }
    }

    private static ForwardBatch oneToken(long step, int id) {
        return oneToken(step, id, new int[0][]);
    }

    private static ForwardBatch oneToken(long step, int id, int[][] allowed) {
        return new ForwardBatch(
                step,
                new int[] {id},
                new int[] {-1},
                new int[3],
                new int[] {0, 1},
                new int[] {1},
                new int[] {0},
                new int[] {0},
                new int[] {0},
                new int[] {ForwardBatch.DRAWN},
                new int[] {-1},
                NONE,
                NONE,
                allowed,
                new int[] {0, 0, 1},
                NONE,
                List.of(),
                false,
                null);
    }

    @Test
    void aHeapThatDoesNotHoldTheCacheIsSaidBeforeAnyStep() {
        assertThatThrownBy(() -> Executors.openWithBlocks(Golden.ROOT.resolve("models/demo-vl"), 2_000_000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("heap of")
                .hasMessageContaining("taskmanager.memory.task.heap.size")
                .hasMessageContaining("--kv-cache-memory-bytes");
    }
}

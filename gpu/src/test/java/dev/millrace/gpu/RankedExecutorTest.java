package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.gpu.StepDriver.Sequence;
import dev.millrace.gpu.device.Device;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.Probe;
import dev.millrace.model.executor.Probeable;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model on several GPUs answers as it does on one, and ends as one. */
@Tag("peers")
class RankedExecutorTest {

    /** Model a has 4 query and 2 key-value heads, model b 6 and 1: ranks with and without key-value heads of their own. */
    @ParameterizedTest
    @CsvSource({"a, 2", "a, 4", "b, 2"})
    void textAgreesWithPyTorch(String variant, int ranks) throws IOException {
        Path model = Models.ROOT.resolve("golden/model-" + variant);
        try (ModelExecutor executor = Models.ranked(model, "float32", false, ranks)) {
            ReferenceTest.checkText(executor, variant);
        }
    }

    @Test
    void sizesThatDoNotDivideAreRefused() {
        ExecutorConfig three = Models.config("float32").withGpu(new ExecutorConfig.Gpu(0.9, true, 3, ""));
        assertThatThrownBy(() -> Models.gpu(Models.GOLDEN_B, three))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("--tensor-parallel-size is 3")
                .hasMessageContaining("MLP width of 160");
    }

    @Test
    void theKernelsForTheReleasedShapesAgreeWithTheGenericOnes(@TempDir Path folder) throws IOException {
        ReleasedShape.checkKernels(ReleasedShape.write(folder, 2), 2);
    }

    @Test
    void picturesAgreeWithTheCpu() {
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_A, "float32", false, 2)) {
            ReferenceTest.checkPictures(executor, Models.GOLDEN_A);
        }
    }

    @ParameterizedTest
    @CsvSource({"float32, 2", "bfloat16, 2", "bfloat16, 4"})
    void graphsAndSingleLaunchesGiveTheSameBits(String dtype, int ranks) {
        List<StepOutput> eager;
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_A, dtype, true, ranks)) {
            eager = GpuExecutorTest.mixedSteps(new StepDriver(executor));
        }
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_A, dtype, false, ranks)) {
            List<StepOutput> graphs = GpuExecutorTest.mixedSteps(new StepDriver(executor));
            for (int i = 0; i < eager.size(); i++) {
                assertThat(graphs.get(i).logits()).isEqualTo(eager.get(i).logits());
                assertThat(graphs.get(i).tokens()).isEqualTo(eager.get(i).tokens());
            }
        }
    }

    /** Every rank has the draft model; one that drafted otherwise would go on with other tokens, and its partial sums be off. */
    @Test
    void draftsAreTheSameOnAllRanks() {
        List<StepOutput> one;
        try (ModelExecutor executor = Models.speculating(Models.DEMO, Models.DEMO_DRAFT, 3, false)) {
            one = SpeculationTest.drafted(new StepDriver(executor));
        }
        ExecutorConfig config = Models.config("float32")
                .withGpu(new ExecutorConfig.Gpu(0.9, false, Math.min(2, Device.count()), ""))
                .withSpeculation(new ExecutorConfig.Speculation(Models.DEMO_DRAFT.toString(), 3));
        try (ModelExecutor executor = Models.gpu(Models.DEMO, config)) {
            List<StepOutput> two = SpeculationTest.drafted(new StepDriver(executor));
            assertThat(two).hasSameSizeAs(one);
            for (int i = 0; i < one.size(); i++) {
                assertThat(two.get(i).drafts()).isEqualTo(one.get(i).drafts());
                assertThat(two.get(i).tokens()).isEqualTo(one.get(i).tokens());
            }
        }
    }

    /** Partial results are rounded to bf16 before they are added; PyTorch rounds the whole product there. */
    @Test
    void inHalfPrecisionTwoGpusAreAsNearToSinglePrecisionAsOne() {
        int[] ids = Models.ids(60, 11);
        List<float[]> exact = new ArrayList<>();
        List<float[]> one = new ArrayList<>();
        List<float[]> two = new ArrayList<>();
        try (ModelExecutor executor = Models.withGraphs(Models.GOLDEN_A)) {
            forced(executor, ids, exact);
        }
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_A, "bfloat16", false, 1)) {
            forced(executor, ids, one);
        }
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_A, "bfloat16", false, 2)) {
            forced(executor, ids, two);
        }
        assertThat(error(two, exact)).isPositive().isLessThan(1.3 * error(one, exact));
    }

    /** A prompt's logits and those of the tokens that follow, all given. */
    private static void forced(ModelExecutor executor, int[] ids, List<float[]> logits) {
        StepDriver driver = new StepDriver(executor);
        Sequence sequence = driver.sequence(Arrays.copyOf(ids, 30));
        for (int i = 30; i < ids.length; i++) {
            logits.add(driver.run(sequence).logits());
            sequence.append(ids[i]);
        }
    }

    /** Root mean square. */
    private static double error(List<float[]> logits, List<float[]> exact) {
        double squares = 0;
        for (int step = 0; step < exact.size(); step++) {
            for (int i = 0; i < exact.get(step).length; i++) {
                squares += Math.pow(logits.get(step)[i] - exact.get(step)[i], 2);
            }
        }
        return Math.sqrt(squares / exact.size() / exact.get(0).length);
    }

    /** What is copied for that must not wait for the rank that waits for this one. */
    @Test
    void layersCanBeLookedIntoWhileOtherRanksGoOn() {
        List<float[]> one = new ArrayList<>();
        List<float[]> two = new ArrayList<>();
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_B, "float32", true, 1)) {
            layers(executor, one);
        }
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_B, "float32", true, 2)) {
            layers(executor, two);
        }
        assertThat(two).hasSameSizeAs(one).hasSizeGreaterThan(1);
        assertThat(error(two, one)).isLessThan(1e-5);
    }

    private static void layers(ModelExecutor executor, List<float[]> hidden) {
        ((Probeable) executor).probe(new Probe() {
            @Override
            public void layer(int layer, float[] rows) {
                hidden.add(rows);
            }

            @Override
            public void visionBlock(int block, float[] rows) {}
        });
        StepDriver driver = new StepDriver(executor);
        driver.run(driver.sequence(Models.ids(40, 3)));
    }

    @Test
    void launchingAheadDrawsTheSameTokensOnAllRanks() {
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_B, "float32", false, 2)) {
            StepDriver driver = new StepDriver(executor);
            Sequence waited = driver.sequence(Models.ids(18, 4));
            Sequence ahead = driver.sequence(Models.ids(18, 4));
            List<Integer> expected = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int token = driver.run(waited).tokens()[0];
                expected.add(token);
                waited.append(token);
            }
            List<CompletableFuture<StepOutput>> launched = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                launched.add(driver.launch(new int[0], -1, StepDriver.rest(ahead)));
                ahead.append(ForwardBatch.LAST_SAMPLED);
            }
            assertThat(launched.stream().map(step -> step.join().tokens()[0]).toList())
                    .isEqualTo(expected);
        }
    }

    /** Each rank puts slices of the tower between its steps as it sees fit; none waits for another's. */
    @Test
    void picturesAreEncodedBesideTheStepsOfRanksThatWaitForEachOther() {
        int[] rows = IntStream.range(100, 124).toArray();
        float[] patches = new Randoms(1).normal(8 * 12 * 1176);
        MediaItem picture = new MediaItem(new MediaKey(0, 1), false, 1, 8, 12, 0, patches);
        List<MediaInput> media = List.of(new MediaInput(picture, rows));
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_B, "float32", false, 2)) {
            StepDriver driver = new StepDriver(executor);
            driver.encode(media).join();
            float[] embeddings = executor.readMedia(rows);
            Sequence alone = driver.sequence(Models.ids(18, 4));
            Sequence beside = driver.sequence(Models.ids(18, 4));
            List<float[]> expected = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                expected.add(driver.run(alone).logits());
                alone.append(ForwardBatch.LAST_SAMPLED);
            }
            CompletableFuture<Long> encoding = driver.encode(media);
            for (int i = 0; i < 8; i++) {
                assertThat(driver.run(beside).logits()).isEqualTo(expected.get(i));
                beside.append(ForwardBatch.LAST_SAMPLED);
            }
            encoding.join();
            assertThat(executor.readMedia(rows)).isEqualTo(embeddings);
        }
    }

    /**
     * Rows that lie anywhere, and pictures whose sizes differ; what a step reads on any rank is there, the same on all. A
     * picture that was encoded among others may differ in its last bits, since products of other numbers of rows may be added
     * up in another order.
     */
    @Test
    void eachRankEncodesSomeOfThePicturesAndAllHaveAll() {
        List<MediaInput> media = new ArrayList<>();
        int[] all = IntStream.range(0, 66).map(i -> (i * 37 + 5) % 300).toArray();
        int first = 0;
        for (int height : new int[] {2, 6, 2, 12}) {
            int end = first + height * 3;
            float[] patches = new Randoms(height + first).normal(height * 12 * 1176);
            MediaItem picture = new MediaItem(new MediaKey(0, first), false, 1, height, 12, 0, patches);
            media.add(new MediaInput(picture, Arrays.copyOfRange(all, first, end)));
            first = end;
        }
        float[] alone;
        try (ModelExecutor executor = Models.ranked(Models.GOLDEN_B, "float32", false, 1)) {
            new StepDriver(executor).encode(media).join();
            alone = executor.readMedia(all);
        }
        try (var executor = (RankedExecutor) Models.ranked(Models.GOLDEN_B, "float32", false, 2)) {
            new StepDriver(executor).encode(media).join();
            float[] shared = executor.ranks().get(0).readMedia(all);
            assertThat(shared).containsExactly(alone, within(1e-5f));
            for (GpuExecutor rank : executor.ranks()) {
                assertThat(rank.readMedia(all)).isEqualTo(shared);
            }
        }
    }

    @Test
    void aRankThatFailsFailsTheStepOnAllAndEverythingEnds() throws InterruptedException {
        List<String> heard = new CopyOnWriteArrayList<>();
        CountDownLatch steps = new CountDownLatch(3);
        StepListener listener = new StepListener() {
            @Override
            public void completed(StepOutput output) {
                heard.add("completed " + output.step());
                steps.countDown();
            }

            @Override
            public void failed(long step, Throwable cause) {
                heard.add("failed " + step + ": " + cause.getMessage());
                steps.countDown();
            }
        };
        try (var executor = (RankedExecutor) Models.ranked(Models.GOLDEN_B, "float32", true, 2)) {
            executor.launch(GpuExecutorTest.oneToken(0, 5), listener);
            executor.ranks().get(1).launch(GpuExecutorTest.oneToken(1, 1_000_000), ignoring());
            executor.launch(GpuExecutorTest.oneToken(1, 5), listener);
            executor.launch(GpuExecutorTest.oneToken(2, 5), listener);
            steps.await();
            assertThatThrownBy(executor::check) // and not that the other one lost its patience
                    .hasMessage("another GPU of the tensor parallel group failed");
        }
        String why = "token id 1000000 is outside the vocabulary of 384";
        assertThat(heard).containsExactly("completed 0", "failed 1: " + why, "failed 2: " + why);
        Models.ranked(Models.GOLDEN_B, "float32", true, 2).close(); // the GPUs are free again
    }

    private static StepListener ignoring() {
        return new StepListener() {
            @Override
            public void completed(StepOutput output) {}

            @Override
            public void failed(long step, Throwable cause) {}
        };
    }
}

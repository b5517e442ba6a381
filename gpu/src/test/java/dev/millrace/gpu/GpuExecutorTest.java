package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.StepDriver.Chunk;
import dev.millrace.gpu.StepDriver.Sequence;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The executor's contract, and what its results may not depend on. */
@Tag("device")
class GpuExecutorTest {

    private static final int[] NONE = {};
    private static final int DECODED = 5;

    @Test
    void graphsAndSingleLaunchesGiveTheSameBits() {
        List<StepOutput> eager;
        try (ModelExecutor executor = Models.eager(Models.GOLDEN_A)) {
            eager = mixedSteps(new StepDriver(executor));
        }
        try (ModelExecutor executor = Models.withGraphs(Models.GOLDEN_A)) {
            List<StepOutput> graphs = mixedSteps(new StepDriver(executor));
            for (int i = 0; i < eager.size(); i++) {
                assertThat(graphs.get(i).logits()).isEqualTo(eager.get(i).logits());
                assertThat(graphs.get(i).tokens()).isEqualTo(eager.get(i).tokens());
            }
        }
    }

    /** Prompts, decode steps of several sizes, and a step of both. */
    static List<StepOutput> mixedSteps(StepDriver driver) {
        List<StepOutput> outputs = new ArrayList<>();
        Sequence a = driver.sequence(Models.ids(20, 1));
        Sequence b = driver.sequence(Models.ids(7, 2));
        Sequence c = driver.sequence(Models.ids(33, 3));
        outputs.add(driver.run(a, b));
        for (int i = 0; i < DECODED; i++) {
            outputs.add(driver.run(a.append(ForwardBatch.LAST_SAMPLED), b.append(ForwardBatch.LAST_SAMPLED)));
        }
        outputs.add(driver.run(a.append(ForwardBatch.LAST_SAMPLED), c));
        for (int i = 0; i < DECODED; i++) {
            outputs.add(driver.run(
                    c.append(ForwardBatch.LAST_SAMPLED),
                    a.append(ForwardBatch.LAST_SAMPLED),
                    b.append(ForwardBatch.LAST_SAMPLED)));
        }
        return outputs;
    }

    @Test
    void launchingAheadGivesTheTokensThatWaitingGives() {
        try (ModelExecutor executor = Models.withGraphs(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            Sequence waited = driver.sequence(Models.ids(18, 4));
            Sequence ahead = driver.sequence(Models.ids(18, 4));
            List<float[]> expected = new ArrayList<>();
            for (int i = 0; i < 2 * DECODED; i++) {
                StepOutput output = driver.run(waited);
                expected.add(output.logits());
                waited.append(output.tokens()[0]);
            }
            List<CompletableFuture<StepOutput>> launched = new ArrayList<>();
            for (int i = 0; i < 2 * DECODED; i++) {
                launched.add(driver.launch(NONE, -1, StepDriver.rest(ahead)));
                ahead.append(ForwardBatch.LAST_SAMPLED);
            }
            for (int i = 0; i < 2 * DECODED; i++) {
                assertThat(launched.get(i).join().logits()).isEqualTo(expected.get(i));
            }
        }
    }

    @Test
    void copiedBlocksContinueAsTheOriginalDoes() {
        try (ModelExecutor executor = Models.withGraphs(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            Sequence original = driver.sequence(3, 1, 4, 1, 5, 9, 2, 6);
            Sequence copy = driver.sequence(3, 1, 4, 1, 5, 9, 2, 6);
            driver.run(original);
            float[] expected = driver.run(original.append(42)).logits();
            copy.append(42).skip(8);
            int own = 2; // the copy's first block, behind the original's
            float[] logits = driver.launch(new int[] {original.blocks.get(0), own}, -1, StepDriver.rest(copy))
                    .join()
                    .logits();
            assertThat(copy.blocks).containsExactly(own);
            assertThat(logits).isEqualTo(expected);
        }
    }

    @Test
    void logProbabilitiesComeWithTheSamplesThatAsk() {
        try (ModelExecutor executor = Models.withGraphs(Models.GOLDEN_A)) {
            StepDriver driver = new StepDriver(executor);
            StepOutput output = driver.launch(NONE, 3, StepDriver.rest(driver.sequence(Models.ids(9, 5))))
                    .join();
            var logprobs = output.logprobs()[0];
            double sum = 0;
            for (float logit : output.logits()) {
                sum += Math.exp(logit);
            }
            int token = output.tokens()[0];
            assertThat(logprobs.rank()).isOne();
            assertThat(logprobs.topIds()).hasSize(3).startsWith(token);
            assertThat((double) logprobs.logprob())
                    .isCloseTo(output.logits()[token] - Math.log(sum), Offset.offset(1e-5));
        }
    }

    @Test
    void aFailedStepFailsThoseBehindItAndNoOtherHearsTwice() {
        List<String> heard = new CopyOnWriteArrayList<>();
        try (ModelExecutor executor = Models.eager(Models.GOLDEN_B)) {
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
    void aPictureReplacesAnotherOnlyWhenStepsLaunchedBeforeHaveReadThat() {
        int[] ids = Models.ids(40, 6);
        List<MediaSpan> media = List.of(new MediaSpan(2, picture(8, 12, 1)));
        try (ModelExecutor executor = Models.eager(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            float[] expected = driver.run(driver.sequence(ids, media)).logits();
            Sequence reader = driver.sequence(ids, media);
            CompletableFuture<StepOutput> step = driver.launch(NONE, -1, StepDriver.rest(reader));
            driver.encode(List.of(new MediaInput(picture(8, 12, 2), reader.mediaRows())))
                    .join();
            assertThat(step.join().logits()).isEqualTo(expected);
        }
    }

    @Test
    void stepsBesideAnEncodingAndTheEncodingGiveWhatTheyGiveAlone() {
        int[] rows = IntStream.range(100, 124).toArray();
        List<MediaInput> media = List.of(new MediaInput(picture(8, 12, 1), rows));
        try (ModelExecutor executor = Models.withGraphs(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            driver.encode(media).join();
            float[] embeddings = executor.readMedia(rows);
            Sequence alone = driver.sequence(Models.ids(18, 4));
            Sequence beside = driver.sequence(Models.ids(18, 4));
            List<float[]> expected = new ArrayList<>();
            for (int i = 0; i < DECODED; i++) {
                expected.add(driver.run(alone).logits());
                alone.append(ForwardBatch.LAST_SAMPLED);
            }
            CompletableFuture<Long> encoding = driver.encode(media);
            for (int i = 0; i < DECODED; i++) {
                assertThat(driver.run(beside).logits()).isEqualTo(expected.get(i));
                beside.append(ForwardBatch.LAST_SAMPLED);
            }
            encoding.join();
            assertThat(executor.readMedia(rows)).isEqualTo(embeddings);
        }
    }

    /** More than the device has room for at a time, some before steps and some behind. */
    @Test
    void manyEncodingsWaitForRoomAndAreDoneInOrder() {
        List<Long> done = new CopyOnWriteArrayList<>();
        List<CompletableFuture<Void>> all = new ArrayList<>();
        try (ModelExecutor executor = Models.withGraphs(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            Sequence sequence = driver.sequence(Models.ids(18, 4));
            for (int i = 0; i < 7; i++) {
                int[] rows = {2 * i, 2 * i + 1};
                all.add(driver.encode(List.of(new MediaInput(picture(2, 4, i), rows)))
                        .thenAccept(done::add));
                driver.run(sequence);
                sequence.append(ForwardBatch.LAST_SAMPLED);
            }
            all.forEach(CompletableFuture::join);
            float[] together = executor.readMedia(IntStream.range(0, 14).toArray());
            int width = together.length / 14;
            for (int i = 0; i < 7; i++) {
                driver.encode(List.of(new MediaInput(picture(2, 4, i), new int[] {20, 21})))
                        .join();
                assertThat(executor.readMedia(new int[] {20, 21}))
                        .isEqualTo(Arrays.copyOfRange(together, 2 * i * width, (2 * i + 2) * width));
            }
        }
        assertThat(done).containsExactly(0L, 1L, 2L, 3L, 4L, 5L, 6L);
    }

    @Test
    void closeWaitsForEncodings() {
        List<CompletableFuture<Long>> all = new ArrayList<>();
        int[] rows = IntStream.range(0, 64).toArray();
        try (ModelExecutor executor = Models.eager(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            for (int i = 0; i < 5; i++) {
                all.add(driver.encode(List.of(new MediaInput(picture(16, 16, i), rows))));
            }
        }
        assertThat(all).allSatisfy(encoding -> assertThat(encoding).isCompleted());
    }

    /** The one that is wrong, and those around it, which a step still to come may read. */
    @Test
    void allEncodingsBehindAFailureHearOfItOnce() {
        List<CompletableFuture<Long>> all = new ArrayList<>();
        try (ModelExecutor executor = Models.eager(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            driver.encode(List.of(new MediaInput(picture(2, 2, 1), new int[] {0})))
                    .join();
            for (int i = 0; i < 6; i++) {
                int row = i == 1 ? 1_000_000 : i;
                all.add(driver.encode(List.of(new MediaInput(picture(2, 2, i), new int[] {row}))));
            }
        }
        for (CompletableFuture<Long> encoding : all.subList(1, 6)) {
            assertThatThrownBy(encoding::join).hasMessageContaining("media row 1000000 is not allowed");
        }
    }

    private static MediaItem picture(int height, int width, long seed) {
        float[] patches = new Randoms(seed).normal(height * width * 1176);
        return new MediaItem(new MediaKey(0, seed), false, 1, height, width, 0, patches);
    }

    @Test
    void anEncodingThatFailedSaysWhyAndFailsTheStepsBehindIt() {
        try (ModelExecutor executor = Models.eager(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            List<MediaInput> media = List.of(new MediaInput(picture(2, 2, 1), new int[] {1_000_000}));
            assertThatThrownBy(() -> driver.encode(media).join())
                    .isInstanceOf(CompletionException.class)
                    .hasMessageContaining("media row 1000000 is not allowed");
            assertThatThrownBy(() -> driver.run(driver.sequence(1))).hasMessageContaining("media row 1000000");
        }
    }

    @Test
    void aStepThatFailedSaysWhy() {
        try (ModelExecutor executor = Models.eager(Models.GOLDEN_B)) {
            StepDriver driver = new StepDriver(executor);
            assertThatThrownBy(() -> driver.run(driver.sequence(1_000_000)))
                    .isInstanceOf(CompletionException.class)
                    .hasRootCauseMessage("token id 1000000 is outside the vocabulary of 384");
        }
    }

    @Test
    void closeWaitsForLaunchedStepsAndThenRefusesMore() {
        List<StepOutput> heard = new CopyOnWriteArrayList<>();
        ModelExecutor executor = Models.eager(Models.GOLDEN_B);
        StepListener listener = new StepListener() {
            @Override
            public void completed(StepOutput output) {
                heard.add(output);
            }

            @Override
            public void failed(long step, Throwable cause) {
                throw new AssertionError(cause);
            }
        };
        for (int step = 0; step < 20; step++) {
            executor.launch(oneToken(step, 5), listener);
        }
        executor.close();
        executor.close();
        assertThat(heard).hasSize(20);
        assertThatThrownBy(() -> executor.launch(oneToken(20, 5), listener))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("after close");
    }

    @Test
    void aPromptInChunksEndsAsTheWholeOne() {
        try (ModelExecutor executor = Models.eager(Models.GOLDEN_A)) {
            StepDriver driver = new StepDriver(executor);
            float[] whole = driver.run(driver.sequence(Models.ids(75, 6))).logits();
            Sequence cut = driver.sequence(Models.ids(75, 6));
            driver.run(new Chunk(cut, 20, false));
            driver.run(new Chunk(cut, 33, false));
            float[] logits = driver.run(cut).logits();
            // products may sum in another order for another number of rows: some roundings of logits of order one
            for (int i = 0; i < whole.length; i++) {
                assertThat(logits[i]).isCloseTo(whole[i], Offset.offset(1e-4f));
            }
        }
    }

    static ForwardBatch oneToken(long step, int id) {
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
                new int[] {-1},
                NONE,
                NONE,
                new int[] {0, 0, 1},
                NONE,
                List.of(),
                false);
    }
}

package dev.millrace.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cpu.Driver.Chunk;
import dev.millrace.cpu.Driver.Sequence;
import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.MropePositions;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.model.sampling.SamplingParams;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decision 5: logits are the same bit for bit, whatever shares the step and however the work is cut. */
class ReproducibilityTest {

    private static final Path DEMO = Golden.ROOT.resolve("models/demo-vl");
    private static final int DECODED = 12;

    @Test
    void companyDoesNotChangeTheLogits() {
        float[][] alone;
        try (ModelExecutor executor = Executors.open(DEMO, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 40, 1);
            alone = decode(driver, driver.sequence(prompt(37, 5)), List.of());
        }
        try (ModelExecutor executor = Executors.open(DEMO, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 40, 2);
            List<Sequence> others = new ArrayList<>();
            for (int i = 0; i < 32; i++) {
                others.add(driver.sequence(prompt(1 + 3 * i, 100 + i)));
            }
            assertThat(decode(driver, driver.sequence(prompt(37, 5)), others)).isDeepEqualTo(alone);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"text-200", "image-2-windowed", "two-images", "image-and-video"})
    void chunksDoNotChangeTheLogits(String name) {
        try (Golden golden = new Golden("a");
                ModelExecutor executor = Executors.open(golden.model, Kernels.vector(), 2)) {
            Golden.Case c = golden.named(name);
            Driver driver = new Driver(executor, 40, 1);
            float[][] whole = decodeInChunks(driver, c.prompt(), Integer.MAX_VALUE);
            for (int size : new int[] {16, 1, 5, 33}) {
                assertThat(decodeInChunks(driver, c.prompt(), size))
                        .as("chunks of %d", size)
                        .isDeepEqualTo(whole);
            }
        }
    }

    @Test
    void decodingAndRecomputingGiveTheSameLogits() {
        try (ModelExecutor executor = Executors.open(DEMO, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 40, 1);
            Sequence first = driver.sequence(prompt(50, 6));
            StepOutput output = driver.run(driver.rest(first));
            int[] generated = new int[DECODED];
            for (int i = 0; i < DECODED; i++) {
                generated[i] = output.tokens()[0];
                first.append(generated[i]);
                output = driver.run(driver.rest(first));
            }
            Sequence again = driver.sequence(prompt(50, 6)); // as after a preemption
            for (int token : generated) {
                again.append(token);
            }
            assertThat(driver.run(driver.rest(again)).logits()).isEqualTo(output.logits());
        }
    }

    /** On a model large enough for its loops to be shared. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7})
    void theNumberOfThreadsDoesNotChangeTheLogits(int threads) {
        Random random = new Random(3);
        float[] patches = new float[8 * 24 * 1176];
        for (int i = 0; i < patches.length; i++) {
            patches[i] = (float) random.nextGaussian();
        }
        MediaItem picture = new MediaItem(new MediaKey(0, 0), false, 1, 8, 24, 0, patches);
        List<MediaSpan> media = List.of(new MediaSpan(100, picture));
        PreparedPrompt prompt =
                new PreparedPrompt(random.ints(400, 0, 900).toArray(), media, MropePositions.of(400, media, 2));
        float[][] reference = null;
        for (int count : new int[] {1, threads}) {
            try (ModelExecutor executor = Executors.open(DEMO, Kernels.vector(), count)) {
                float[][] logits = decodeInChunks(new Driver(executor, 4, 1), prompt, Integer.MAX_VALUE);
                reference = reference == null ? logits : reference;
                assertThat(logits).isDeepEqualTo(reference);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void vectorInstructionsDoNotChangeTheLogits(String variant) {
        try (Golden golden = new Golden(variant)) {
            assertThat(caseLogits(golden, Kernels.scalar())).isDeepEqualTo(caseLogits(golden, Kernels.vector()));
        }
    }

    @Test
    void neitherTheBlocksNorWhatTheyHeldBeforeChangeTheLogits() {
        try (Golden golden = new Golden("a")) {
            Golden.Case c = golden.named("image-2-windowed");
            float[][] reference;
            try (ModelExecutor executor = Executors.open(golden.model, Kernels.vector(), 2)) {
                reference = decodeInChunks(new Driver(executor, 4, 1), c.prompt(), 40);
            }
            try (ModelExecutor executor = Executors.openWithBlocks(golden.model, 65)) {
                Driver driver = new Driver(executor, 4, 99);
                poison(driver, 64 * 16);
                assertThat(decodeInChunks(driver, c.prompt(), 40)).isDeepEqualTo(reference);
            }
        }
    }

    @Test
    void launchingAheadDoesNotChangeTheLogits() {
        try (ModelExecutor executor = Executors.open(DEMO, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 40, 1);
            Sequence waited = driver.sequence(prompt(30, 8));
            float[][] reference = decode(driver, waited, List.of());
            Sequence ahead = driver.sequence(prompt(30, 8));
            var steps = new ArrayList<java.util.concurrent.CompletableFuture<StepOutput>>();
            steps.add(driver.launch(driver.rest(ahead)));
            for (int i = 0; i < DECODED; i++) {
                ahead.append(ForwardBatch.LAST_SAMPLED);
                steps.add(driver.launch(driver.rest(ahead)));
            }
            for (int i = 0; i < reference.length; i++) {
                assertThat(steps.get(i).join().logits()).isEqualTo(reference[i]);
            }
        }
    }

    @Test
    void seededDrawsAreTheSameInAnyCompany() {
        SamplingParams params = SamplingParams.builder()
                .temperature(1)
                .topP(0.95f)
                .topK(50)
                .repetitionPenalty(1.05f)
                .presencePenalty(0.1f)
                .frequencyPenalty(0.1f)
                .seed(77)
                .build();
        try (ModelExecutor executor = Executors.open(DEMO, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 40, 1);
            int[] alone = tokens(driver, driver.sequence(prompt(20, 9), params), List.of());
            List<Sequence> others = List.of(
                    driver.sequence(prompt(70, 10), params),
                    driver.sequence(prompt(3, 11)),
                    driver.sequence(prompt(20, 9), params));
            assertThat(tokens(driver, driver.sequence(prompt(20, 9), params), others))
                    .isEqualTo(alone);
        }
    }

    private static int[] tokens(Driver driver, Sequence sequence, List<Sequence> others) {
        int[] tokens = new int[DECODED];
        StepOutput output = runAmong(driver, sequence, others);
        for (int i = 0; i < DECODED; i++) {
            tokens[i] = output.tokens()[place(others)];
            sequence.append(ForwardBatch.LAST_SAMPLED);
            output = runAmong(driver, sequence, others);
        }
        return tokens;
    }

    /** Logits of every decoded token; the others surround it in each step and decode along. */
    private static float[][] decode(Driver driver, Sequence sequence, List<Sequence> others) {
        float[][] logits = new float[DECODED][];
        for (int i = 0; i < DECODED; i++) {
            StepOutput output = runAmong(driver, sequence, others);
            int vocabulary = output.logits().length / output.tokens().length;
            int from = place(others) * vocabulary;
            logits[i] = Arrays.copyOfRange(output.logits(), from, from + vocabulary);
            sequence.append(ForwardBatch.LAST_SAMPLED);
        }
        return logits;
    }

    /** Where the sequence stands in a step, so that no multiple of a tile's columns comes before or after it. */
    private static int place(List<Sequence> others) {
        return Math.min(5, others.size());
    }

    private static StepOutput runAmong(Driver driver, Sequence sequence, List<Sequence> others) {
        List<Chunk> chunks = new ArrayList<>();
        others.forEach(other -> chunks.add(driver.rest(other)));
        chunks.add(place(others), driver.rest(sequence));
        StepOutput output = driver.run(chunks.toArray(Chunk[]::new));
        others.forEach(other -> other.append(ForwardBatch.LAST_SAMPLED));
        return output;
    }

    private static float[][] decodeInChunks(Driver driver, PreparedPrompt prompt, int size) {
        float[][] logits = new float[DECODED][];
        Sequence sequence = driver.sequence(prompt);
        logits[0] = driver.runInChunks(sequence, size).logits();
        for (int i = 1; i < DECODED; i++) {
            sequence.append(ForwardBatch.LAST_SAMPLED);
            logits[i] = driver.run(driver.rest(sequence)).logits();
        }
        sequence.free();
        return logits;
    }

    private static float[][] caseLogits(Golden golden, Kernels kernels) {
        try (ModelExecutor executor = Executors.open(golden.model, kernels, 2)) {
            Driver driver = new Driver(executor, 4, 1);
            return golden.cases().stream()
                    .map(c -> decodeInChunks(driver, c.prompt(), Integer.MAX_VALUE)[DECODED - 1])
                    .toArray(float[][]::new);
        }
    }

    /** Leaves NaN in every slot: a sequence of nothing but a picture of NaN takes all blocks and gives them back. */
    private static void poison(Driver driver, int tokens) {
        int side = (int) Math.sqrt(4 * tokens);
        float[] patches = new float[side * side * 1176];
        Arrays.fill(patches, Float.NaN);
        MediaItem picture = new MediaItem(new MediaKey(0, 0), false, 1, side, side, 0, patches);
        List<MediaSpan> media = List.of(new MediaSpan(0, picture));
        PreparedPrompt prompt = new PreparedPrompt(new int[tokens], media, MropePositions.of(tokens, media, 2));
        Sequence sequence = driver.sequence(prompt);
        assertThat(driver.run(driver.rest(sequence)).logits()).contains(Float.NaN);
        sequence.free();
    }

    private static PreparedPrompt prompt(int length, long seed) {
        return PreparedPrompt.text(new Random(seed).ints(length, 0, 900).toArray());
    }
}

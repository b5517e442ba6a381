package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.StepDriver.Chunk;
import dev.millrace.gpu.StepDriver.Sequence;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.sampling.SamplingParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Samples behind drafts are those of one token at a time, however drafts come about and steps are launched. */
@Tag("device")
class SpeculationTest {

    private static final int SEQUENCES = 3;
    private static final int DRAFTS = 3;
    private static final int TOKENS = 10;
    private static final int[] NONE = {};

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void draftsDoNotChangeWhatIsSampled(boolean eager) {
        try (ModelExecutor executor = Models.speculating(Models.GOLDEN_A, null, DRAFTS, eager)) {
            StepDriver driver = new StepDriver(executor);
            List<int[]> expected = oneByOne(driver);
            Random random = new Random(5);
            Sequence[] sequences = sequences(driver);
            int[][] answers = begin(driver, sequences);
            while (shortest(answers) < TOKENS) {
                for (int i = 0; i < SEQUENCES; i++) {
                    int right = random.nextInt(DRAFTS + 1);
                    for (int d = 0; d < DRAFTS; d++) {
                        int known = answers[i].length + d;
                        boolean goes = d < right && known < TOKENS;
                        sequences[i].append(goes ? expected.get(i)[known] : random.nextInt(370));
                    }
                }
                verify(driver, sequences, answers);
            }
            for (int i = 0; i < SEQUENCES; i++) {
                assertThat(Arrays.copyOf(answers[i], TOKENS))
                        .as("sequence %d", i)
                        .isEqualTo(expected.get(i));
            }
        }
    }

    @Test
    void logitsBehindDraftsAreThoseOfOneTokenAtATime() {
        try (ModelExecutor executor = Models.speculating(Models.GOLDEN_A, null, DRAFTS, false)) {
            StepDriver driver = new StepDriver(executor);
            Sequence single = driver.sequence(Models.ids(30, 1));
            Sequence drafted = driver.sequence(Models.ids(30, 1));
            driver.run(single);
            driver.run(drafted);
            int[] next = Models.ids(DRAFTS + 1, 2);
            Arrays.stream(next).forEach(drafted::append);
            float[] logits = driver.run(StepDriver.verify(DRAFTS, drafted)).logits();
            for (int i = 0; i <= DRAFTS; i++) {
                float[] expected = driver.run(single.append(next[i])).logits();
                for (int v = 0; v < expected.length; v++) {
                    // products may sum in another order for another number of rows
                    assertThat(logits[i * expected.length + v]).isCloseTo(expected[v], Offset.offset(1e-4f));
                }
            }
        }
    }

    /** With the kernels of single tokens; the drafts reach into another block. */
    @Test
    void ofTheReleasedShapesAFewTokensGetTheVeryBitsOfOneAtATime(@TempDir Path folder) throws IOException {
        ExecutorConfig config = Models.config("bfloat16")
                .withLoadFormat("dummy")
                .withGpu(new ExecutorConfig.Gpu(0.9, true, 1, ""))
                .withSpeculation(new ExecutorConfig.Speculation("", DRAFTS));
        try (ModelExecutor executor = Models.gpu(ReleasedShape.write(folder, 1), config, new Limits(400, 2, 512))) {
            StepDriver driver = new StepDriver(executor);
            Sequence single = driver.sequence(Models.ids(270, 1));
            Sequence drafted = driver.sequence(Models.ids(270, 1));
            driver.run(single);
            driver.run(drafted);
            int[] next = Models.ids(DRAFTS + 1, 2);
            Arrays.stream(next).forEach(drafted::append);
            float[] logits = driver.run(StepDriver.verify(DRAFTS, drafted)).logits();
            for (int i = 0; i <= DRAFTS; i++) {
                float[] expected = driver.run(single.append(next[i])).logits();
                assertThat(Arrays.copyOfRange(logits, i * expected.length, (i + 1) * expected.length))
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void graphsAndSingleLaunchesGiveTheSameBits() {
        List<StepOutput> eager;
        try (ModelExecutor executor = Models.speculating(Models.DEMO, Models.DEMO_DRAFT, DRAFTS, true)) {
            eager = drafted(new StepDriver(executor));
        }
        try (ModelExecutor executor = Models.speculating(Models.DEMO, Models.DEMO_DRAFT, DRAFTS, false)) {
            List<StepOutput> graphs = drafted(new StepDriver(executor));
            assertThat(graphs).hasSameSizeAs(eager);
            for (int i = 0; i < eager.size(); i++) {
                assertThat(graphs.get(i).drafts()).isEqualTo(eager.get(i).drafts());
                assertThat(graphs.get(i).logits()).isEqualTo(eager.get(i).logits());
                assertThat(graphs.get(i).tokens()).isEqualTo(eager.get(i).tokens());
            }
        }
    }

    @Test
    void aModelsDraftsDoNotChangeWhatIsSampled() {
        try (ModelExecutor executor = Models.speculating(Models.DEMO, Models.DEMO_DRAFT, DRAFTS, false)) {
            StepDriver driver = new StepDriver(executor);
            List<int[]> expected = oneByOne(driver);
            List<int[]> answers = answers(driver);
            for (int i = 0; i < SEQUENCES; i++) {
                assertThat(answers.get(i)).as("sequence %d", i).isEqualTo(expected.get(i));
            }
        }
    }

    /** It draws with the noise of the sample, from the same logits but for roundings. */
    @Test
    void aModelThatDraftsForItselfIsAlwaysRight() {
        try (ModelExecutor executor = Models.speculating(Models.DEMO, Models.DEMO, DRAFTS, false)) {
            StepDriver driver = new StepDriver(executor);
            driver.drafting = true;
            Sequence[] sequences = sequences(driver);
            int[][] answers = begin(driver, sequences);
            for (int step = 0; step < 5; step++) {
                int before = answers[0].length;
                verifyModels(driver, sequences, answers);
                for (int[] answer : answers) {
                    assertThat(answer).hasSize(before + DRAFTS + 1);
                }
            }
        }
    }

    /** The models' vocabularies are of 512 and 384 tokens; both tokenize as the other does up to 384. */
    @Test
    void onlyTokensOfBothVocabulariesAreDrafted() {
        try (ModelExecutor executor = Models.speculating(Models.GOLDEN_A, Models.GOLDEN_B, DRAFTS, false)) {
            assertThat(draftsOf(executor)).allMatch(id -> id >= 0 && id < 384);
        }
        try (ModelExecutor executor = Models.speculating(Models.GOLDEN_B, Models.GOLDEN_A, DRAFTS, true)) {
            assertThat(draftsOf(executor)).allMatch(id -> id >= 0 && id < 384);
        }
    }

    @Test
    void theDraftModelSeesPromptsInChunksAndPlainSteps() {
        try (ModelExecutor executor = Models.speculating(Models.DEMO, Models.DEMO, DRAFTS, false)) {
            StepDriver driver = new StepDriver(executor);
            driver.drafting = true;
            Sequence cut = driver.sequence(Models.ids(75, 6));
            Sequence other = driver.sequence(Models.ids(9, 7));
            driver.run(new Chunk(cut, 20, false));
            driver.run(new Chunk(cut, 33, false), StepDriver.rest(other));
            cut.append(driver.run(cut).tokens()[0]);
            cut.append(driver.run(cut).tokens()[0]);
            assertThat(accepted(driver, cut, NONE)).isEqualTo(DRAFTS);
        }
    }

    /** After a step whose drafts were all accepted there is a token more of each sequence than the step has. */
    @Test
    void theDraftModelSeesMoreTokensThanAStepHolds() {
        ExecutorConfig config = Models.config("float32")
                .withSpeculation(new ExecutorConfig.Speculation(Models.DEMO.toString(), DRAFTS));
        try (ModelExecutor executor = Models.gpu(Models.DEMO, config, new Limits(12, 3, 512))) {
            StepDriver driver = new StepDriver(executor);
            driver.drafting = true;
            Sequence[] sequences = {driver.sequence(1, 2, 3), driver.sequence(4, 5, 6), driver.sequence(7, 8)};
            int[][] answers = begin(driver, sequences);
            verifyModels(driver, sequences, answers);
            Sequence longer = sequences[0];
            int[] more = Models.ids(9, 4);
            Arrays.stream(more).forEach(longer::append);
            assertThat(driver.run(sequences).tokens()).hasSize(3);
        }
    }

    @Test
    void blocksAreCopiedInTheDraftModelsCacheToo() {
        try (ModelExecutor executor = Models.speculating(Models.DEMO, Models.DEMO, DRAFTS, false)) {
            StepDriver driver = new StepDriver(executor);
            driver.drafting = true;
            Sequence original = driver.sequence(Models.ids(8, 6));
            int token = driver.run(original).tokens()[0];
            Sequence copy = driver.sequence(Models.ids(8, 6)).append(token);
            copy.skip(8);
            int own = 2; // the copy's first block, behind the original's
            assertThat(accepted(driver, copy, new int[] {original.blocks.get(0), own}))
                    .isEqualTo(DRAFTS);
            assertThat(copy.blocks).containsExactly(own);
        }
    }

    private static int accepted(StepDriver driver, Sequence sequence, int[] copies) {
        for (int d = 0; d < DRAFTS; d++) {
            sequence.append(ForwardBatch.DRAFTED);
        }
        StepOutput output =
                driver.launch(copies, -1, StepDriver.verify(DRAFTS, sequence)).join();
        sequence.draft(output.drafts());
        return sequence.accept(DRAFTS, output.tokens(), 0).length - 1;
    }

    @Test
    void aStepThatAsksForDraftsOfNoModelSaysSo() {
        try (ModelExecutor executor = Models.speculating(Models.GOLDEN_B, null, DRAFTS, true)) {
            StepDriver driver = new StepDriver(executor);
            driver.drafting = true;
            assertThatThrownBy(() -> driver.run(driver.sequence(1, 2))).hasMessageContaining("there is no draft model");
        }
    }

    private static List<Integer> draftsOf(ModelExecutor executor) {
        StepDriver driver = new StepDriver(executor);
        return drafted(driver).stream()
                .filter(output -> output.drafts() != null)
                .flatMap(output -> Arrays.stream(output.drafts()).boxed())
                .toList();
    }

    /** Steps with a draft model's drafts. */
    static List<StepOutput> drafted(StepDriver driver) {
        driver.drafting = true;
        Sequence[] sequences = sequences(driver);
        int[][] answers = begin(driver, sequences);
        List<StepOutput> outputs = new ArrayList<>();
        while (shortest(answers) < TOKENS) {
            outputs.add(verifyModels(driver, sequences, answers));
        }
        return outputs;
    }

    private static List<int[]> answers(StepDriver driver) {
        driver.drafting = true;
        Sequence[] sequences = sequences(driver);
        int[][] answers = begin(driver, sequences);
        while (shortest(answers) < TOKENS) {
            verifyModels(driver, sequences, answers);
        }
        return Arrays.stream(answers)
                .map(answer -> Arrays.copyOf(answer, TOKENS))
                .toList();
    }

    private static StepOutput verifyModels(StepDriver driver, Sequence[] sequences, int[][] answers) {
        for (Sequence sequence : sequences) {
            for (int d = 0; d < DRAFTS; d++) {
                sequence.append(ForwardBatch.DRAFTED);
            }
        }
        return verify(driver, sequences, answers);
    }

    private static StepOutput verify(StepDriver driver, Sequence[] sequences, int[][] answers) {
        StepOutput output = driver.run(StepDriver.verify(DRAFTS, sequences));
        for (int i = 0; i < sequences.length; i++) {
            if (output.drafts() != null && output.drafts().length > 0) {
                sequences[i].draft(Arrays.copyOfRange(output.drafts(), i * DRAFTS, (i + 1) * DRAFTS));
            }
            int[] tokens = sequences[i].accept(DRAFTS, output.tokens(), i * (DRAFTS + 1));
            answers[i] = IntStream.concat(Arrays.stream(answers[i]), Arrays.stream(tokens))
                    .toArray();
        }
        return output;
    }

    private static int[][] begin(StepDriver driver, Sequence... sequences) {
        int[] first = driver.run(sequences).tokens();
        int[][] answers = new int[sequences.length][];
        for (int i = 0; i < sequences.length; i++) {
            sequences[i].append(first[i]);
            answers[i] = new int[] {first[i]};
        }
        return answers;
    }

    private static List<int[]> oneByOne(StepDriver driver) {
        Sequence[] sequences = sequences(driver);
        int[][] answers = begin(driver, sequences);
        while (shortest(answers) < TOKENS) {
            int[] next = driver.run(sequences).tokens();
            for (int i = 0; i < sequences.length; i++) {
                sequences[i].append(next[i]);
                answers[i] = Arrays.copyOf(answers[i], answers[i].length + 1);
                answers[i][answers[i].length - 1] = next[i];
            }
        }
        return List.of(answers);
    }

    private static int shortest(int[][] answers) {
        return Arrays.stream(answers).mapToInt(answer -> answer.length).min().orElseThrow();
    }

    /** Of every kind of parameters that looks at the output before. */
    private static Sequence[] sequences(StepDriver driver) {
        return new Sequence[] {
            driver.sequence(Models.ids(20, 1)),
            driver.sequence(params(1.3f, 0.4f, 0.3f), Models.ids(7, 2)),
            driver.sequence(params(1, 0, 0), Models.ids(33, 3))
        };
    }

    private static SamplingParams params(float repetition, float presence, float frequency) {
        return SamplingParams.builder()
                .temperature(0.8f)
                .topP(0.95f)
                .topK(40)
                .minP(0.01f)
                .repetitionPenalty(repetition)
                .presencePenalty(presence)
                .frequencyPenalty(frequency)
                .seed(77)
                .minTokens(TOKENS / 2)
                .stopIds(5, 6, 7, 8, 9, 10, 11, 12)
                .build();
    }
}

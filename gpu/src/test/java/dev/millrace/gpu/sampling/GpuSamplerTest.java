package dev.millrace.gpu.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.gpu.device.Graph;
import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.Sampler;
import dev.millrace.model.sampling.SamplingParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The device's draws against the sampler of the JVM, which {@code SamplerTest} holds to the reference vectors. */
@Tag("device")
class GpuSamplerTest {

    private static final int[] NONE = {};
    private static final int[] ROWS = {0, 1, 2, 3};

    @ParameterizedTest
    @CsvSource({"37, 37, 60", "1000, 1000, 60", "5003, 5003, 25", "9001, 9008, 12"})
    void drawsEqualTheTwinsStepByStep(int vocabSize, int stride, int rounds) {
        RandomDraws random = new RandomDraws(vocabSize, vocabSize);
        Sampler sampler = new Sampler(vocabSize);
        try (SamplerRig rig = new SamplerRig(vocabSize, stride, 8)) {
            for (int round = 0; round < rounds; round++) {
                List<RowAssignment> assignments = new ArrayList<>();
                for (int row = 0; row < 8; row++) {
                    assignments.add(new RowAssignment(
                            row, random.params(), random.upTo(3), random.ids(50), random.ids(1 + random.upTo(20))));
                }
                compare(rig, random, sampler, assignments, 3);
            }
        }
    }

    private static void compare(
            SamplerRig rig, RandomDraws random, Sampler sampler, List<RowAssignment> assignments, int steps) {
        Twin[] twins = assignments.stream().map(Twin::new).toArray(Twin[]::new);
        int rows = twins.length;
        for (int step = 0; step < steps; step++) {
            int[] positions =
                    IntStream.range(0, rows).map(r -> 1 + random.upTo(5000)).toArray();
            float[][] logits =
                    IntStream.range(0, rows).mapToObj(r -> random.logits()).toArray(float[][]::new);
            int[][] banned = new int[rows][];
            Arrays.setAll(banned, r -> random.upTo(3) == 0 ? random.ids(40) : NONE);
            int[] drawn = rig.draw(
                    step == 0 ? assignments : List.of(),
                    IntStream.range(0, rows).toArray(),
                    positions,
                    logits,
                    step == 1 ? new int[0][] : banned);
            for (int row = 0; row < rows; row++) {
                int expected = twins[row].draw(sampler, logits[row], positions[row], step == 1 ? NONE : banned[row]);
                assertThat(drawn[row])
                        .as("step %d row %d position %d %s", step, row, positions[row], twins[row].params)
                        .isEqualTo(expected);
                assertThat(rig.logitsOf(row)).as("raw logits").isEqualTo(logits[row]);
            }
            assertThat(rig.ints(rig.sampler.lastTokens(), rows)).isEqualTo(drawn);
        }
    }

    @Test
    void aListThatRunsOverIsReadFromTheLogits() {
        int vocabSize = 9001;
        float[] equal = new float[vocabSize];
        Arrays.fill(equal, 3);
        try (SamplerRig rig = new SamplerRig(vocabSize, vocabSize, 4)) {
            List<RowAssignment> assignments = List.of(
                    assignment(0, filtered(0.5f, 0, 0)),
                    assignment(1, filtered(0.3f, 6000, 0)),
                    assignment(2, filtered(1, 5000, 0)),
                    assignment(3, filtered(0.9f, 20, 1)));
            Twin[] twins = assignments.stream().map(Twin::new).toArray(Twin[]::new);
            Sampler sampler = new Sampler(vocabSize);
            float[][] logits = {equal, equal, equal, equal};
            for (int position = 1; position < 10; position++) {
                int[] positions = {position, position, position, position};
                int[] drawn = rig.draw(position == 1 ? assignments : List.of(), ROWS, positions, logits, new int[0][]);
                for (int row = 0; row < 4; row++) {
                    assertThat(drawn[row]).isEqualTo(twins[row].draw(sampler, equal, position, NONE));
                }
            }
        }
    }

    @Test
    void aDrawIsTheSameInAnyCompanyAndTheDummyRowDrawsNothing() {
        int vocabSize = 5003;
        RandomDraws random = new RandomDraws(3, vocabSize);
        float[] logits = random.logits();
        try (SamplerRig rig = new SamplerRig(vocabSize, 5008, 4)) {
            for (int trial = 0; trial < 10; trial++) {
                SamplingParams params = random.params();
                int alone = rig.draw(
                                List.of(assignment(0, params)),
                                new int[] {0},
                                new int[] {77},
                                new float[][] {logits},
                                none(1))[0];
                int[] together = rig.draw(
                        List.of(assignment(3, params), assignment(1, random.params())),
                        new int[] {1, 4, 3, 4},
                        new int[] {5, 1, 77, 1},
                        new float[][] {random.logits(), logits, logits, logits},
                        new int[0][]);
                assertThat(together[2]).isEqualTo(alone);
                assertThat(together[1]).as("the poison is still there").isEqualTo(-1);
                assertThat(rig.ints(rig.sampler.lastTokens(), 5)[4]).isZero();
            }
        }
    }

    @Test
    void listsAsLongAsTheVocabularyAndPromptsLongerThanTheStagingAreaAreTaken() {
        int vocabSize = 9001;
        int[] prompt = new Random(1).ints(700_000, 0, vocabSize / 2).toArray();
        int[] all = IntStream.range(0, vocabSize).toArray();
        float[] biases = new float[vocabSize];
        for (int i = 0; i < vocabSize; i++) {
            biases[i] = i % 7 / 7f;
        }
        SamplingParams biased = SamplingParams.builder()
                .temperature(1)
                .repetitionPenalty(1.4f)
                .presencePenalty(0.2f)
                .frequencyPenalty(0.01f)
                .seed(5)
                .bias(all, biases)
                .build();
        SamplingParams allowed = SamplingParams.builder()
                .temperature(1)
                .seed(6)
                .allowedIds(Arrays.copyOf(all, 9000))
                .bannedIds(Arrays.copyOf(all, 8999))
                .build();
        RandomDraws random = new RandomDraws(9, vocabSize);
        try (SamplerRig rig = new SamplerRig(vocabSize, vocabSize, 2)) {
            List<RowAssignment> assignments = List.of(
                    new RowAssignment(0, biased, 0, prompt, Arrays.copyOf(prompt, 300_000)),
                    new RowAssignment(1, allowed, 0, NONE, NONE));
            compare(rig, random, new Sampler(vocabSize), assignments, 6);
        }
    }

    @Test
    void whatARowHeldBeforeIsForgotten() {
        int vocabSize = 100;
        float[] logits = new float[vocabSize];
        logits[7] = 5;
        logits[9] = 4;
        SamplingParams burdened = SamplingParams.builder()
                .repetitionPenalty(2)
                .presencePenalty(1)
                .frequencyPenalty(1)
                .bias(new int[] {3}, new float[] {50})
                .allowedIds(2, 3)
                .bannedIds(7)
                .minTokens(9)
                .stopIds(9)
                .build();
        SamplingParams penalized = SamplingParams.builder()
                .presencePenalty(0.5f)
                .frequencyPenalty(0.4f)
                .build();
        try (SamplerRig rig = new SamplerRig(vocabSize, vocabSize, 1)) {
            assertThat(one(rig, burdened, new int[] {7}, new int[] {7, 7}, logits))
                    .isEqualTo(3);
            assertThat(one(rig, SamplingParams.greedy(), NONE, NONE, logits)).isEqualTo(7);
            assertThat(one(rig, penalized, new int[] {7}, NONE, logits)).isEqualTo(7);
            assertThat(one(rig, penalized, new int[] {7}, new int[] {7, 7}, logits))
                    .isEqualTo(9);
        }
    }

    @Test
    void aCapturedDrawFollowsItsInputsAndTheRowsState() {
        int vocabSize = 5003;
        RandomDraws random = new RandomDraws(21, vocabSize);
        Sampler sampler = new Sampler(vocabSize);
        try (SamplerRig rig = new SamplerRig(vocabSize, vocabSize, 3)) {
            int[] rows = {0, 1, 2};
            List<RowAssignment> assignments = List.of(
                    new RowAssignment(0, filtered(0.9f, 40, 0.01f), 0, random.ids(9), NONE),
                    new RowAssignment(1, random.params(), 1, random.ids(9), NONE),
                    new RowAssignment(2, SamplingParams.greedy(), 0, NONE, NONE));
            Twin[] twins = assignments.stream().map(Twin::new).toArray(Twin[]::new);
            rig.sampler.apply(rig.stream, SamplerRig.batch(assignments, rows, rows, new int[0][], NONE));
            SampleInputs inputs = rig.upload(rows, rows);
            rig.stream.beginCapture();
            rig.sampler.sample(rig.stream, rig.logits, vocabSize, inputs);
            try (Graph graph = rig.stream.endCapture()) {
                for (int step = 1; step < 6; step++) {
                    float[][] logits = {random.logits(), random.logits(), random.logits()};
                    int position = 100 * step;
                    rig.upload(logits);
                    rig.upload(rows, new int[] {position, position + 1, position + 2});
                    rig.stream.launch(graph);
                    int[] drawn = rig.tokens(3);
                    for (int row = 0; row < 3; row++) {
                        assertThat(drawn[row]).isEqualTo(twins[row].draw(sampler, logits[row], position + row, NONE));
                    }
                }
            }
        }
    }

    @Test
    void theVocabularyOfTheReleasedModelsIsDrawnFromAsByTheTwin() {
        int vocabSize = 152_064;
        try (SamplerRig rig = new SamplerRig(vocabSize, vocabSize, 4)) {
            RandomDraws random = new RandomDraws(4, vocabSize);
            List<RowAssignment> assignments = List.of(
                    assignment(0, SamplingParams.greedy()),
                    assignment(1, filtered(1, 0, 0)),
                    assignment(2, filtered(0.8f, 20, 0)),
                    assignment(3, filtered(0.95f, 0, 0)));
            compare(rig, random, new Sampler(vocabSize), assignments, 2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sampling-a", "sampling-b"})
    void drawsFollowTheReferenceProbabilities(String file) throws IOException {
        Path golden = Path.of(System.getProperty("millrace.root"), "golden");
        JsonNode cases =
                new ObjectMapper().readTree(golden.resolve(file + ".json").toFile());
        try (SafetensorsFile tensors = SafetensorsFile.open(golden.resolve(file + ".safetensors"))) {
            for (JsonNode c : cases) {
                follow(c, tensors, c.get("case").asText());
            }
        }
    }

    /** Draws equal the twin's, and their shares are within five standard deviations of the probabilities. */
    private static void follow(JsonNode c, SafetensorsFile tensors, String name) {
        float[] logits = floats(tensors.tensor(name + ".logits"));
        float[] expected = floats(tensors.tensor(name + ".probs"));
        int rows = name.equals("7") ? 64 : 4; // a frequency needs many draws, one case in a file must do
        int rounds = 4;
        int[] drawn = new int[logits.length];
        Sampler sampler = new Sampler(logits.length);
        try (SamplerRig rig = new SamplerRig(logits.length, logits.length, rows)) {
            float[][] all = new float[rows][];
            Arrays.fill(all, logits);
            List<RowAssignment> assignments = new ArrayList<>();
            int[] prompt = ints(tensors.tensor(name + ".prompt"));
            int[] output = ints(tensors.tensor(name + ".output"));
            int[] each = IntStream.range(0, rows).toArray();
            for (int row = 0; row < rows; row++) {
                assignments.add(new RowAssignment(row, params(c), row, prompt, output));
            }
            for (int round = 0; round < rounds; round++) {
                int position = round + 1;
                int[] positions = IntStream.range(0, rows).map(row -> position).toArray();
                int[] tokens = rig.draw(assignments, each, positions, all, new int[0][]);
                for (int row = 0; row < rows; row++) {
                    Twin twin = new Twin(assignments.get(row));
                    assertThat(tokens[row]).isEqualTo(twin.draw(sampler, logits, position, NONE));
                    drawn[tokens[row]]++;
                }
            }
        }
        double draws = rows * rounds;
        for (int token = 0; token < expected.length; token++) {
            double deviation = Math.sqrt(expected[token] * (1 - expected[token]) / draws);
            assertThat(drawn[token] / draws)
                    .as("%s token %d", name, token)
                    .isCloseTo(expected[token], within(5 * deviation + (expected[token] > 0 ? 2 / draws : 0)));
        }
    }

    @Test
    void moreSamplesOrATooNarrowStrideAreRefused() {
        try (SamplerRig rig = new SamplerRig(100, 100, 2)) {
            SampleInputs three = new SampleInputs(3, 0, 0);
            assertThatThrownBy(() -> rig.sampler.sample(rig.stream, rig.logits, 100, three))
                    .hasMessageContaining("3 samples");
            SampleInputs two = new SampleInputs(2, 0, 0);
            assertThatThrownBy(() -> rig.sampler.sample(rig.stream, rig.logits, 99, two))
                    .hasMessageContaining("99 apart");
            assertThatThrownBy(() -> new GpuSampler(rig.device, 1 << 19, 2, 2)).hasMessageContaining("524288");
        }
    }

    private static int one(SamplerRig rig, SamplingParams params, int[] prompt, int[] output, float[] logits) {
        return rig.draw(
                        List.of(new RowAssignment(0, params, 0, prompt, output)),
                        new int[] {0},
                        new int[] {1},
                        new float[][] {logits},
                        new int[0][])[0];
    }

    private static RowAssignment assignment(int row, SamplingParams params) {
        return new RowAssignment(row, params, 0, NONE, NONE);
    }

    private static SamplingParams filtered(float topP, int topK, float minP) {
        return SamplingParams.builder()
                .temperature(0.9f)
                .topP(topP)
                .topK(topK)
                .minP(minP)
                .seed(11)
                .build();
    }

    private static int[][] none(int samples) {
        return new int[samples][0];
    }

    private static SamplingParams params(JsonNode json) {
        return SamplingParams.builder()
                .temperature((float) json.get("temperature").asDouble())
                .topP((float) json.get("top_p").asDouble())
                .topK(json.get("top_k").asInt())
                .minP((float) json.get("min_p").asDouble())
                .repetitionPenalty((float) json.get("repetition_penalty").asDouble())
                .presencePenalty((float) json.get("presence_penalty").asDouble())
                .frequencyPenalty((float) json.get("frequency_penalty").asDouble())
                .seed(17)
                .build();
    }

    private static float[] floats(Tensor tensor) {
        float[] values = new float[(int) tensor.numElements()];
        tensor.data().asFloatBuffer().get(values);
        return values;
    }

    private static int[] ints(Tensor tensor) {
        int[] values = new int[(int) tensor.numElements()];
        tensor.data().asIntBuffer().get(values);
        return values;
    }
}

package dev.millrace.gpu;

import static dev.millrace.gpu.Agreement.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.gpu.StepDriver.Chunk;
import dev.millrace.gpu.StepDriver.Sequence;
import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.model.sampling.SamplingParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whole models in single precision: against PyTorch's logits (golden/README.md, which gives the tolerances), and where there
 * is no such reference against the CPU, which agrees with PyTorch.
 */
@Tag("device")
class ReferenceTest {

    private static final double LOGITS = 1e-3;
    private static final double EMBEDDINGS = 1e-4;
    private static final double COMPARABLE_MARGIN = 2e-3;

    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void textAgreesWithPyTorch(String variant) throws IOException {
        try (ModelExecutor executor = Models.withGraphs(Models.ROOT.resolve("golden/model-" + variant))) {
            checkText(executor, variant);
        }
    }

    static void checkText(ModelExecutor executor, String variant) throws IOException {
        Path folder = Models.ROOT.resolve("golden");
        JsonNode cases = new ObjectMapper()
                .readTree(folder.resolve("cases-" + variant + ".json").toFile());
        try (var tensors = SafetensorsFile.open(folder.resolve("cases-" + variant + ".safetensors"))) {
            StepDriver driver = new StepDriver(executor);
            int compared = 0;
            for (JsonNode golden : cases) {
                String name = golden.get("name").asText();
                if (name.startsWith("text")) {
                    Sequence sequence = driver.sequence(ints(golden.get("input_ids")));
                    StepOutput output = driver.run(sequence);
                    float[] expected = tensors.tensor(name + ".last_logits").toFloats();
                    assertClose(name, output.logits(), doubles(expected), LOGITS, 0);
                    compared += compareTokens(driver, sequence, output, golden);
                }
            }
            assertThat(compared).as("tokens compared").isGreaterThan(30);
        }
    }

    /** Feeds the reference's tokens; where its margin is wide enough they must be this one's likeliest. */
    private static int compareTokens(StepDriver driver, Sequence sequence, StepOutput first, JsonNode golden) {
        int compared = 0;
        StepOutput output = first;
        int[] tokens = ints(golden.get("greedy_tokens"));
        for (int i = 0; i < tokens.length; i++) {
            if (golden.get("greedy_margin").get(i).asDouble() > COMPARABLE_MARGIN) {
                assertThat(output.tokens()[0]).isEqualTo(tokens[i]);
                compared++;
            }
            output = driver.run(sequence.append(tokens[i]));
        }
        return compared;
    }

    @Test
    void promptsOfAllLengthsTogetherAgreeWithTheCpu() {
        try (ModelExecutor gpu = Models.withGraphs(Models.DEMO);
                ModelExecutor cpu = Models.cpu(Models.DEMO)) {
            StepDriver ours = new StepDriver(gpu);
            StepDriver theirs = new StepDriver(cpu);
            int[] lengths = {1, 16, 17, 90, 40};
            Sequence[] a = new Sequence[lengths.length];
            Sequence[] b = new Sequence[lengths.length];
            for (int i = 0; i < lengths.length; i++) {
                a[i] = ours.sequence(Models.ids(lengths[i], i));
                b[i] = theirs.sequence(Models.ids(lengths[i], i));
            }
            for (int step = 0; step < 4; step++) {
                StepOutput expected = theirs.run(b);
                assertClose("logits", ours.run(a).logits(), doubles(expected.logits()), LOGITS, 0);
                for (int i = 0; i < lengths.length; i++) {
                    a[i].append(expected.tokens()[i]);
                    b[i].append(expected.tokens()[i]);
                }
            }
        }
    }

    /** Noise and penalties decide, not the last bits of logits. */
    @Test
    void seededDrawsAreThoseOfTheCpu() {
        SamplingParams params = SamplingParams.builder()
                .temperature(1)
                .topP(0.95f)
                .topK(50)
                .minP(0.01f)
                .repetitionPenalty(1.05f)
                .presencePenalty(0.1f)
                .frequencyPenalty(0.1f)
                .seed(77)
                .build();
        try (ModelExecutor gpu = Models.withGraphs(Models.GOLDEN_A);
                ModelExecutor cpu = Models.cpu(Models.GOLDEN_A)) {
            assertThat(draws(new StepDriver(gpu), params)).isEqualTo(draws(new StepDriver(cpu), params));
        }
    }

    /** Penalties count what was drawn: a target that changed a row would change the draws after it. */
    @Test
    void promptTokensHaveTheLogprobsOfTheCpuAndDisturbNoDraw() {
        SamplingParams params = SamplingParams.builder()
                .temperature(1)
                .topP(0.95f)
                .topK(50)
                .minP(0.01f)
                .repetitionPenalty(1.3f)
                .presencePenalty(0.1f)
                .frequencyPenalty(0.5f)
                .seed(77)
                .build();
        try (ModelExecutor gpu = Models.withGraphs(Models.GOLDEN_A);
                ModelExecutor cpu = Models.cpu(Models.GOLDEN_A)) {
            List<StepOutput> ours = scored(new StepDriver(gpu), params);
            List<StepOutput> theirs = scored(new StepDriver(cpu), params);
            for (int step = 0; step < ours.size(); step++) {
                StepOutput expected = theirs.get(step);
                for (int i = 0; i < expected.logprobs().length; i++) {
                    SampleLogprobs actual = ours.get(step).logprobs()[i];
                    assertThat(actual.rank()).isPositive();
                    assertThat(actual.logprob()).isCloseTo(expected.logprobs()[i].logprob(), within(1e-3f));
                    assertThat(actual.topLogprobs()).hasSize(3);
                }
                int last = step == 0 ? 0 : expected.tokens().length - 1; // the first step's last sample has a target
                assertThat(ours.get(step).tokens()[last]).isEqualTo(expected.tokens()[last]);
            }
        }
    }

    /** A single target beside a draw, as in a step of single tokens; then more targets than there are rows; then draws. */
    private static List<StepOutput> scored(StepDriver driver, SamplingParams params) {
        List<StepOutput> outputs = new ArrayList<>();
        driver.scored = 3;
        Sequence other = driver.sequence(Models.ids(1, 4));
        Sequence drawn = driver.sequence(params, Models.ids(40, 3));
        outputs.add(driver.run(new Chunk(other, 1, true), new Chunk(drawn, 1, false)));
        other.append(ForwardBatch.LAST_SAMPLED);
        outputs.add(driver.run(other, drawn));
        for (int i = 0; i < 8; i++) {
            other.append(ForwardBatch.LAST_SAMPLED);
            drawn.append(ForwardBatch.LAST_SAMPLED);
            outputs.add(driver.run(other, drawn));
        }
        return outputs;
    }

    private static List<Integer> draws(StepDriver driver, SamplingParams params) {
        List<Integer> tokens = new ArrayList<>();
        Sequence drawn = driver.sequence(params, Models.ids(12, 3));
        Sequence greedy = driver.sequence(Models.ids(5, 4));
        for (int i = 0; i < 20; i++) {
            tokens.add(driver.run(greedy, drawn).tokens()[1]);
            greedy.append(ForwardBatch.LAST_SAMPLED);
            drawn.append(ForwardBatch.LAST_SAMPLED);
        }
        assertThat(Set.copyOf(tokens)).as("different tokens").hasSizeGreaterThan(5);
        return tokens;
    }

    @ParameterizedTest
    @ValueSource(strings = {"golden/model-a", "golden/model-b"})
    void picturesAgreeWithTheCpu(String model) {
        Path folder = Models.ROOT.resolve(model);
        try (ModelExecutor gpu = Models.withGraphs(folder)) {
            checkPictures(gpu, folder);
        }
    }

    static void checkPictures(ModelExecutor gpu, Path folder) {
        List<MediaSpan> media = List.of(new MediaSpan(2, picture(18, 22, 1)), new MediaSpan(110, picture(4, 6, 2)));
        int[] ids = Models.ids(130, 9);
        try (ModelExecutor cpu = Models.cpu(folder)) {
            StepDriver ours = new StepDriver(gpu);
            StepDriver theirs = new StepDriver(cpu);
            for (int i = 0; i < 2; i++) { // the second time the rows of the first are still read when it begins
                StepOutput expected = theirs.run(theirs.sequence(ids, media));
                StepOutput output = ours.run(ours.sequence(ids, media));
                assertClose("logits", output.logits(), doubles(expected.logits()), LOGITS, 0);
            }
            int[] rows = {0, 98, 99, 104, 209};
            assertClose("embeddings", gpu.readMedia(rows), doubles(cpu.readMedia(rows)), EMBEDDINGS, 0);
        }
    }

    private static MediaItem picture(int height, int width, long seed) {
        float[] patches = new Randoms(seed).normal(height * width * 1176);
        return new MediaItem(new MediaKey(0, seed), false, 1, height, width, 0, patches);
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }

    private static double[] doubles(float[] values) {
        double[] out = new double[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[i];
        }
        return out;
    }
}

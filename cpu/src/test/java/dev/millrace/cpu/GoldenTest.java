package dev.millrace.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.cpu.Driver.Chunk;
import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.sampling.Logprobs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares with PyTorch's results, as golden/README.md says. */
class GoldenTest {

    private static final double LOGITS = 1e-3;
    private static final double EMBEDDINGS = 1e-4;
    private static final double COMPARABLE_MARGIN = 2e-3;

    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void everyCaseAgreesWithTheReference(String variant) {
        compare(variant, Kernels.vector());
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void everyCaseAgreesWithTheReferenceWithoutVectors(String variant) {
        compare(variant, Kernels.scalar());
    }

    /** In chunks of 7: log-probabilities of what follows under the reference's logits, and the draw at the end. */
    @ParameterizedTest
    @ValueSource(strings = {"a", "b"})
    void promptTokensHaveTheReferencesLogProbabilities(String variant) {
        int compared = 0;
        try (Golden golden = new Golden(variant);
                ModelExecutor executor = Executors.open(golden.model, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 4, 1);
            driver.promptLogprobs = 4;
            for (Golden.Case c : golden.cases()) {
                float[] logits = golden.tensor(c + ".all_logits");
                if (logits != null) {
                    comparePrompt(golden, c, driver, logits);
                    compared += c.prompt().media().isEmpty() ? 0 : 1;
                }
            }
        }
        assertThat(compared).as("cases with media").isPositive();
    }

    private static void comparePrompt(Golden golden, Golden.Case c, Driver driver, float[] logits) {
        int vocabulary = golden.config.text().vocabSize();
        Driver.Sequence sequence = driver.sequence(c.prompt());
        int[] ids = c.prompt().tokenIds();
        List<SampleLogprobs> actual = new ArrayList<>();
        StepOutput output = null;
        while (sequence.remaining() > 0) {
            int count = Math.min(7, sequence.remaining());
            output = driver.run(new Chunk(sequence, count, count));
            actual.addAll(List.of(output.logprobs()));
        }
        for (int i = 0; i + 1 < ids.length; i++) {
            Logprobs expected = Logprobs.of(logits, i * vocabulary, vocabulary, ids[i + 1], 4);
            assertThat(actual.get(i).logprob())
                    .as("%s token %d", c, i + 1)
                    .isCloseTo(expected.logprob(), within(2e-3f));
            assertClose(c + " candidates", actual.get(i).topLogprobs(), expected.topLogprobs(), 2 * LOGITS);
        }
        int last = output.tokens()[output.tokens().length - 1];
        if (c.greedyMargin()[0] > COMPARABLE_MARGIN) {
            assertThat(last).isEqualTo(c.greedyTokens()[0]);
        }
        sequence.free();
    }

    private static void compare(String variant, Kernels kernels) {
        try (Golden golden = new Golden(variant);
                ModelExecutor executor = Executors.open(golden.model, kernels, 2)) {
            Driver driver = new Driver(executor, 4, 1);
            List<Golden.Case> cases = golden.cases();
            assertThat(cases).hasSizeGreaterThan(10);
            for (Golden.Case c : cases) {
                compare(golden, c, driver, executor);
            }
        }
    }

    private static void compare(Golden golden, Golden.Case c, Driver driver, ModelExecutor executor) {
        Driver.Sequence sequence = driver.sequence(c.prompt());
        int length = c.prompt().tokenIds().length;
        StepOutput output = driver.run(new Chunk(sequence, length, length));
        int vocabulary = golden.config.text().vocabSize();
        float[] last = Arrays.copyOfRange(output.logits(), (length - 1) * vocabulary, length * vocabulary);
        assertClose(c + " last logits", last, golden.tensor(c + ".last_logits"), LOGITS);
        float[] all = golden.tensor(c + ".all_logits");
        if (all != null) {
            assertClose(c + " all logits", output.logits(), all, LOGITS);
        }
        assertClose(c + " embeddings", executor.readMedia(sequence.mediaRows()), embeddings(golden, c), EMBEDDINGS);
        int token = output.tokens()[length - 1];
        for (int i = 0; i < c.greedyTokens().length; i++) {
            if (c.greedyMargin()[i] > COMPARABLE_MARGIN) {
                assertThat(token).as("%s token %d", c, i).isEqualTo(c.greedyTokens()[i]);
            }
            sequence.append(c.greedyTokens()[i]);
            token = driver.run(driver.rest(sequence)).tokens()[0];
        }
        sequence.free();
    }

    /** The reference keeps pictures before videos, which is the order of the prompts too. */
    private static float[] embeddings(Golden golden, Golden.Case c) {
        float[] images = golden.tensor(c + ".image_embeds");
        float[] videos = golden.tensor(c + ".video_embeds");
        float[] both = new float[(images == null ? 0 : images.length) + (videos == null ? 0 : videos.length)];
        if (images != null) {
            System.arraycopy(images, 0, both, 0, images.length);
        }
        if (videos != null) {
            System.arraycopy(videos, 0, both, both.length - videos.length, videos.length);
        }
        return both;
    }

    private static void assertClose(String what, float[] actual, float[] expected, double tolerance) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        double worst = 0;
        for (int i = 0; i < actual.length; i++) {
            worst = Math.max(worst, Math.abs((double) actual[i] - expected[i])); // NaN stays
        }
        assertThat(worst).as(what).isLessThan(tolerance);
    }
}

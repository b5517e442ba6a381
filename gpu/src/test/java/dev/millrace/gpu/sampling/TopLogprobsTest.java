package dev.millrace.gpu.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.sampling.Logprobs;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("device")
class TopLogprobsTest {

    private static final int[] COUNTS = {0, -1, 1, 5, 20, 64, 1024, 1500};

    @ParameterizedTest
    @CsvSource({"37, 40, 20", "1000, 1000, 20", "9001, 9001, 10"})
    void logprobsEqualTheTwins(int vocabSize, int stride, int rounds) {
        RandomDraws random = new RandomDraws(vocabSize + 1, vocabSize);
        try (SamplerRig rig = new SamplerRig(vocabSize, stride, COUNTS.length)) {
            for (int round = 0; round < rounds; round++) {
                float[][] logits = new float[COUNTS.length][];
                Arrays.setAll(logits, i -> random.logits());
                int[] tokens = new int[COUNTS.length];
                Arrays.setAll(tokens, i -> random.upTo(vocabSize));
                SampleLogprobs[] actual = rig.logprobs(tokens, COUNTS, logits);
                for (int i = 0; i < COUNTS.length; i++) {
                    compare(actual[i], logits[i], tokens[i], COUNTS[i]);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {37, 9001})
    void aRowWithoutANumberHasNoProbabilities(int vocabSize) {
        float[] impossible = new float[vocabSize];
        Arrays.fill(impossible, Float.NEGATIVE_INFINITY);
        float[] noNumber = new float[vocabSize];
        Arrays.fill(noNumber, Float.NaN);
        float[] mixed = impossible.clone();
        mixed[0] = mixed[vocabSize - 1] = Float.NaN;
        try (SamplerRig rig = new SamplerRig(vocabSize, vocabSize, 3)) {
            SampleLogprobs[] actual =
                    rig.logprobs(new int[] {0, 1, 2}, new int[] {5, 5, 5}, new float[][] {impossible, noNumber, mixed});
            for (SampleLogprobs logprobs : actual) {
                assertThat(logprobs.logprob()).isEqualTo(Float.NEGATIVE_INFINITY);
                assertThat(logprobs.rank()).isOne();
                assertThat(logprobs.topIds()).containsExactly(0, 1, 2, 3, 4);
                assertThat(logprobs.topLogprobs()).containsOnly(Float.NEGATIVE_INFINITY);
            }
        }
    }

    @Test
    void aTargetStandsForTheTokenThatWasDrawn() {
        RandomDraws random = new RandomDraws(5, 1500);
        try (SamplerRig rig = new SamplerRig(1500, 1500, COUNTS.length)) {
            float[][] logits = new float[COUNTS.length][];
            Arrays.setAll(logits, i -> random.logits());
            int[] tokens = new int[COUNTS.length];
            int[] targets = new int[COUNTS.length];
            Arrays.setAll(tokens, i -> i);
            Arrays.setAll(targets, i -> i % 4 == 3 ? ForwardBatch.DRAWN : 700 + 97 * i);
            SampleLogprobs[] actual = rig.logprobs(tokens, targets, COUNTS, logits);
            for (int i = 0; i < COUNTS.length; i++) {
                compare(actual[i], logits[i], i % 4 == 3 ? tokens[i] : targets[i], COUNTS[i]);
            }
        }
    }

    private static void compare(SampleLogprobs actual, float[] logits, int token, int count) {
        if (count < 0) {
            assertThat(actual).isNull();
            return;
        }
        Logprobs expected = Logprobs.of(logits, 0, logits.length, token, count);
        assertThat(actual.rank()).isEqualTo(expected.rank());
        assertThat(actual.topIds()).isEqualTo(expected.topIds());
        // sums of doubles in another order, then rounded to single precision
        assertThat(actual.logprob()).isCloseTo(expected.logprob(), within(Math.ulp(expected.logprob())));
        for (int i = 0; i < expected.topLogprobs().length; i++) {
            float logprob = expected.topLogprobs()[i];
            assertThat(actual.topLogprobs()[i]).isCloseTo(logprob, within(Math.ulp(logprob)));
        }
    }
}

package dev.millrace.gpu.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.Sampler;
import dev.millrace.model.sampling.SamplingParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Draws of samples that may choose a few tokens alone, against the sampler of the JVM. */
@Tag("device")
class MaskedDrawTest {

    private static final int ROWS = 6;
    private static final int[] NONE = {};

    @ParameterizedTest
    @CsvSource({"37, 37, 60", "5003, 5004, 20"})
    void masksBindTheDrawsThatTheyAreFor(int vocabSize, int stride, int rounds) {
        RandomDraws random = new RandomDraws(vocabSize + 3, vocabSize);
        Sampler sampler = new Sampler(vocabSize);
        int[] rows = IntStream.range(0, ROWS).toArray();
        try (SamplerRig rig = new SamplerRig(vocabSize, stride, ROWS)) {
            for (int round = 0; round < rounds; round++) {
                List<RowAssignment> assignments = new ArrayList<>();
                for (int row : rows) {
                    assignments.add(new RowAssignment(row, random.params(), 0, random.ids(20), random.ids(9)));
                }
                Twin[] twins = assignments.stream().map(Twin::new).toArray(Twin[]::new);
                rig.assign(assignments);
                int[] shared = mask(vocabSize, random.ids(1 + vocabSize / 2));
                int[][] masks = {
                    null, shared, mask(vocabSize, random.upTo(vocabSize)), null, shared, mask(vocabSize, random.ids(3))
                };
                float[][] logits = new float[ROWS][];
                for (int row : rows) {
                    logits[row] = random.logits();
                }
                int[] positions = {5, 6, 7, 8, 9, 10};
                int[] drawn = rig.draw(rows, positions, logits, masks);
                int[] free = rig.draw(rows, positions, logits, new int[ROWS][]);
                for (int row : rows) {
                    assertThat(drawn[row])
                            .as("row %d %s", row, twins[row].params)
                            .isEqualTo(twins[row].draw(sampler, logits[row], positions[row], NONE, masks[row]));
                    assertThat(free[row])
                            .as("row %d after its mask", row)
                            .isEqualTo(twins[row].draw(sampler, logits[row], positions[row], NONE));
                }
            }
        }
    }

    /** As rows of all kinds: greedy, drawn, by min-p, top-k and top-p. */
    @ParameterizedTest
    @CsvSource({"0, 1, 0, 0", "1, 1, 0, 0", "1, 1, 0, 0.1", "1, 1, 2, 0", "1, 0.5, 0, 0", "1, 0.5, 2, 0.1"})
    void whereNoAllowedTokenIsPossibleTheFirstOfThemIsTaken(float temperature, float topP, int topK, float minP) {
        int vocabSize = 5003;
        float[] logits = new float[vocabSize];
        for (int id : new int[] {70, 4500, 4700, 4800}) {
            logits[id] = id % 200 == 0 ? Float.NaN : Float.NEGATIVE_INFINITY;
        }
        float[] without = new float[vocabSize];
        Arrays.fill(without, Float.NEGATIVE_INFINITY);
        without[0] = without[4000] = Float.NaN;
        int[] impossible = {70, 4500, 4700, 4800};
        int[] few = {2, 4700, 4800};
        RowAssignment[] rows = {
            row(0, temperature, topP, topK, minP, null),
            row(1, temperature, topP, topK, minP, impossible),
            row(2, temperature, topP, topK, minP, few),
            row(3, temperature, topP, topK, minP, new int[] {9}),
            row(4, temperature, topP, topK, minP, null),
            row(5, temperature, topP, topK, minP, few)
        };
        int[][] masks = {
            mask(vocabSize, 4500, 4800),
            null,
            mask(vocabSize, impossible),
            mask(vocabSize, 8, 4700),
            null,
            mask(vocabSize, 4800, 5000)
        };
        float[][] values = {logits, logits, logits, logits, without, without};
        int[] expected = {4500, 70, 4700, 8, 0, 4800};
        try (SamplerRig rig = new SamplerRig(vocabSize, 5004, ROWS)) {
            rig.assign(List.of(rows));
            assertThat(rig.draw(new int[] {0, 1, 2, 3, 4, 5}, new int[] {1, 1, 1, 1, 1, 1}, values, masks))
                    .isEqualTo(expected);
            Sampler sampler = new Sampler(vocabSize);
            for (int i = 0; i < ROWS; i++) {
                assertThat(new Twin(rows[i]).draw(sampler, values[i], 1, NONE, masks[i]))
                        .isEqualTo(expected[i]);
            }
        }
    }

    private static RowAssignment row(int row, float temperature, float topP, int topK, float minP, int[] allowed) {
        SamplingParams params = SamplingParams.builder()
                .temperature(temperature)
                .topP(topP)
                .topK(topK)
                .minP(minP)
                .seed(3)
                .allowedIds(allowed)
                .build();
        return new RowAssignment(row, params, 0, NONE, NONE);
    }

    @Test
    void aMaskOfAnotherVocabularyIsRefused() {
        try (SamplerRig rig = new SamplerRig(100, 100, 1)) {
            assertThatThrownBy(() -> rig.draw(new int[1], new int[1], new float[1][100], new int[][] {{1, 2, 3}}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("3 words")
                    .hasMessageContaining("takes 4");
        }
    }

    private static int[] mask(int vocabSize, int... ids) {
        int[] words = new int[(vocabSize + 31) / 32];
        for (int id : ids) {
            words[id / 32] |= 1 << id % 32;
        }
        return words;
    }
}

package dev.millrace.gpu.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.Sampler;
import java.util.ArrayList;
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
                    logits[row] = finite(random.logits());
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

    @Test
    void aMaskOfAnotherVocabularyIsRefused() {
        try (SamplerRig rig = new SamplerRig(100, 100, 1)) {
            assertThatThrownBy(() -> rig.draw(new int[1], new int[1], new float[1][100], new int[][] {{1, 2, 3}}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("3 words")
                    .hasMessageContaining("takes 4");
        }
    }

    /** Where no allowed token has a probability at all, which one is taken is nobody's concern. */
    private static float[] finite(float[] logits) {
        for (int i = 0; i < logits.length; i++) {
            logits[i] = Float.isFinite(logits[i]) ? logits[i] : -60 - i % 5;
        }
        return logits;
    }

    private static int[] mask(int vocabSize, int... ids) {
        int[] words = new int[(vocabSize + 31) / 32];
        for (int id : ids) {
            words[id / 32] |= 1 << id % 32;
        }
        return words;
    }
}

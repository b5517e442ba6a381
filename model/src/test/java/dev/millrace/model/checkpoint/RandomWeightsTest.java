package dev.millrace.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RandomWeightsTest {

    private final RandomWeights weights = new RandomWeights(1);

    @Test
    void aNameHasTheSameValuesInEveryRun() {
        float[] first =
                weights.weight("model.layers.0.mlp.up_proj.weight", 70, 1000).toFloats();
        float[] again = new RandomWeights(1)
                .weight("model.layers.0.mlp.up_proj.weight", 70, 1000)
                .toFloats();
        float[] other =
                weights.weight("model.layers.1.mlp.up_proj.weight", 70, 1000).toFloats();

        assertThat(again).isEqualTo(first);
        assertThat(other).isNotEqualTo(first);
    }

    @Test
    void aMatrixKeepsTheSizeOfWhatItMultiplies() {
        float[] values = weights.weight("visual.patch_embed.proj.weight", 100, 3, 2, 14, 14)
                .toFloats();

        double squares = 0;
        for (float value : values) {
            squares += value * value;
        }
        assertThat(squares / values.length * 1176).isCloseTo(1, within(0.02));
    }

    @Test
    void rowsDiffer() {
        float[] values = weights.weight("lm_head.weight", 2000, 64).toFloats();

        assertThat(Arrays.copyOfRange(values, 0, 64)).isNotEqualTo(Arrays.copyOfRange(values, 64, 128));
        assertThat(Arrays.copyOfRange(values, 64 * 1024, 64 * 1025)).isNotEqualTo(Arrays.copyOfRange(values, 0, 64));
    }

    @Test
    void normsAreOneAndBiasesNought() {
        assertThat(weights.weight("model.norm.weight", 3).toFloats()).containsExactly(1, 1, 1);
        assertThat(weights.weight("model.layers.0.self_attn.q_proj.bias", 2).toFloats())
                .containsExactly(0, 0);
    }

    @Test
    void aMatrixBeyondTwoGibibytesIsRefused() {
        assertThatThrownBy(() -> weights.weight("lm_head.weight", 1L << 40, 1L << 40))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("lm_head.weight");
    }
}

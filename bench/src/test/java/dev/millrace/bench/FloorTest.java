package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.config.ModelConfigReader;
import java.nio.file.Path;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** At the 7B shape in bf16, with what one H200 was measured to reach: 4.27 TB/s and 730 TFLOP/s. */
class FloorTest {

    /** The figures were rounded to two digits: 18,000 stands for up to 18,499. */
    private static final Percentage ROUNDING = Percentage.withPercentage(3);

    private final ModelCost cost = new ModelCost(
            ModelConfigReader.read(Path.of(System.getProperty("millrace.root"), "models/shapes/qwen2.5-vl-7b")));
    private final Floor floor = new Floor(cost, 2, GpuCeiling.known(4.27, 730), 1);

    @ParameterizedTest
    @CsvSource({"1,192,302", "8,192,2400", "64,192,18000", "256,192,51000", "64,4096,9370", "1,32768,266"})
    void decodeIsBoundByBytesAndInLargeBatchesByOperations(int sequences, int context, double tokensPerSecond) {
        assertThat(sequences / floor.decodeStep(sequences, context)).isCloseTo(tokensPerSecond, ROUNDING);
    }

    @ParameterizedTest
    @CsvSource({"256,128,56000", "1,8192,49700"})
    void promptsAreBoundByOperations(int prompts, int tokens, double tokensPerSecond) {
        assertThat(prompts * tokens / floor.prefill(prompts, tokens, 32_768)).isCloseTo(tokensPerSecond, ROUNDING);
    }

    @Test
    void promptsInSmallStepsAreBoundByTheWeightsThatEachStepReads() {
        assertThat(floor.prefill(1, 1600, 16)).isCloseTo(100 * floor.decodeStep(1, 0), Percentage.withPercentage(10));
    }

    @ParameterizedTest
    @CsvSource({"1024,542", "5184,100", "64896,4.35"})
    void picturesAreBoundByOperations(int patches, double picturesPerSecond) {
        assertThat(8 / floor.encode(8 * cost.encode(patches, patches))).isCloseTo(picturesPerSecond, ROUNDING);
    }

    @Test
    void twoGpusTakeHalfTheTime() {
        var two = new Floor(cost, 2, floor.ceiling(), 2);
        assertThat(two.decodeStep(1, 192)).isEqualTo(floor.decodeStep(1, 192) / 2);
        assertThat(two.prefill(256, 128, 32_768)).isEqualTo(floor.prefill(256, 128, 32_768) / 2);
        assertThat(two.encode(1e12)).isEqualTo(floor.encode(1e12) / 2);
        assertThat(two.ceilings()).isEqualTo(floor.ceilings() + ", each of 2 GPUs");
    }
}

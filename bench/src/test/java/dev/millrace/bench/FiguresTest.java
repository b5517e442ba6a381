package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.bench.figures.Percentile;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class FiguresTest {

    @Test
    void percentilesAreLinearBetweenNeighboursAsInNumpy() {
        double[] values = {40, 10, 20, 30};

        assertThat(Percentile.of(values, 50)).isEqualTo(25);
        assertThat(Percentile.of(values, 10)).isCloseTo(13, within(1e-9));
        assertThat(Percentile.of(values, 100)).isEqualTo(40);
        assertThat(Percentile.of(new double[] {7}, 99)).isEqualTo(7);
    }

    @Test
    void aDecodedTokenCostsTwoOperationsAWeightAndFourAContextValue() {
        ModelConfig demo = ModelConfigReader.read(Path.of(System.getProperty("millrace.root"), "models/demo-vl"));
        // 6 layers of q 256x256, k and v 64x256, o 256x256, gate, up and down 640x256; head 1024x256
        double weights = 6 * (2 * 256 * 256 + 2 * 64 * 256 + 3 * 640 * 256) + 1024 * 256;

        assertThat(new ModelCost(demo).decode(0)).isEqualTo(2 * weights);
        assertThat(new ModelCost(demo).decode(100) - new ModelCost(demo).decode(0))
                .isEqualTo(6 * 4 * 256 * 100);
    }
}

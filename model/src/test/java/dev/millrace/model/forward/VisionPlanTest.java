package dev.millrace.model.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.config.ModelConfig.VisionConfig;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The expected numbers are transformers' for the same grids. */
class VisionPlanTest {

    private static final VisionConfig CONFIG = new VisionConfig(
            32, 1280, 3420, 16, 3584, 14, 2, 2, 112, new int[] {7, 15, 23, 31}, 2, 151655, 151656, 151652, 151653);

    @Test
    void aWindowAtTheEdgeIsNarrow() {
        VisionPlan plan = VisionPlan.of(1, 6, 10, CONFIG);
        assertThat(plan.windowOrder()).containsExactly(0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 4, 9, 14);
        assertThat(plan.windowBounds()).containsExactly(0, 48, 60);
        assertThat(plan.frameBounds()).containsExactly(0, 60);
    }

    @Test
    void aGridOfOneWindowKeepsItsOrderAndHasNoEmptyWindow() {
        VisionPlan plan = VisionPlan.of(1, 8, 8, CONFIG);
        assertThat(plan.windowOrder()).containsExactly(IntStream.range(0, 16).toArray());
        assertThat(plan.windowBounds()).containsExactly(0, 64);
    }

    @Test
    void windowsStayWithinTheirFrame() {
        assertThat(VisionPlan.of(1, 10, 18, CONFIG).windowBounds()).containsExactly(0, 64, 128, 144, 160, 176, 180);
        VisionPlan video = VisionPlan.of(2, 4, 4, CONFIG);
        assertThat(video.windowBounds()).containsExactly(0, 16, 32);
        assertThat(video.frameBounds()).containsExactly(0, 16, 32);
    }

    @Test
    void positionsFollowThePatchesOfAUnitAndThenTheWindow() {
        VisionPlan plan = VisionPlan.of(1, 2, 4, CONFIG);
        assertThat(plan.positions()).containsExactly(0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 2, 3, 2, 3);
    }
}

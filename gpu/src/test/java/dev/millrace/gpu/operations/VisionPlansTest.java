package dev.millrace.gpu.operations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.forward.VisionPlan;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import java.util.List;
import org.junit.jupiter.api.Test;

class VisionPlansTest {

    /** Windows of 2 by 2 tokens. */
    private static final VisionConfig CONFIG =
            new VisionConfig(1, 16, 16, 1, 16, 14, 2, 2, 56, new int[] {0}, 2, 1, 2, 3, 4);

    private static MediaInput input(int t, int h, int w, int... rows) {
        return new MediaInput(new MediaItem(new MediaKey(1, 1), t > 1, t, h, w, 0, new float[0]), rows);
    }

    @Test
    void itemsLieOneBehindTheOther() {
        VisionPlan second = VisionPlan.of(1, 2, 6, CONFIG);
        VisionPlans plans = VisionPlans.of(List.of(input(2, 2, 2, 30, 20), input(1, 2, 6, 5, 6, 7)), CONFIG);
        assertThat(plans.patches()).isEqualTo(20);
        assertThat(plans.order()).containsExactly(0, 1, 2, 3, 4);
        assertThat(plans.mediaRows()).containsExactly(30, 20, 5, 6, 7);
        assertThat(plans.windows().starts()).containsExactly(0, 4, 8, 16, 20);
        assertThat(plans.windows().longest()).isEqualTo(8);
        assertThat(plans.frames().starts()).containsExactly(0, 4, 8, 20);
        assertThat(plans.frames().longest()).isEqualTo(12);
        for (int axis = 0; axis < 2; axis++) {
            for (int patch = 0; patch < 12; patch++) {
                assertThat(plans.positions()[axis * 20 + 8 + patch]).isEqualTo(second.positions()[axis * 12 + patch]);
            }
        }
    }

    @Test
    void unitsAndTheirMediaRowsGoToTheirWindows() {
        // 2 by 3 tokens: the window of columns 0 and 1 comes first, then that of column 2
        VisionPlans plans = VisionPlans.of(List.of(input(1, 4, 6, 10, 11, 12, 13, 14, 15)), CONFIG);
        assertThat(plans.order()).containsExactly(0, 1, 3, 4, 2, 5);
        assertThat(plans.mediaRows()).containsExactly(10, 11, 13, 14, 12, 15);
    }
}

package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StepPaceTest {

    @Test
    void longPromptsDoNotMakeStepsOfSingleTokensLong() {
        StepPace pace = new StepPace();
        for (int i = 0; i < 40; i++) {
            pace.add(false, 80_000_000);
        }
        pace.add(true, 4_000_000);
        assertThat(pace.seconds(true)).isEqualTo(0.004);
        assertThat(pace.seconds(false)).isEqualTo(0.08);
    }
}

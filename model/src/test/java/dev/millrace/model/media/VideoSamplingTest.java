package dev.millrace.model.media;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.media.MediaSource.MediaOptions;
import org.junit.jupiter.api.Test;

class VideoSamplingTest {

    private final VideoSampling sampling = VideoSampling.DEFAULT;

    private int[] indices(int total, double rate, Double fps, Integer frames) {
        return sampling.indices(total, rate, new MediaOptions(fps, frames, null, null));
    }

    /** Expected values from numpy 1.24's {@code linspace(…, dtype=int)}. */
    @Test
    void aNumberOfFramesIsSpreadAsVllmDoes() {
        assertThat(indices(300, 30, null, 32))
                .containsExactly(
                        0, 9, 19, 28, 38, 48, 57, 67, 77, 86, 96, 106, 115, 125, 135, 144, 154, 163, 173, 183, 192, 202,
                        212, 221, 231, 241, 250, 260, 270, 279, 289, 299);
        assertThat(indices(5, 30, null, 32)).containsExactly(0, 1, 2, 3, 4);
        assertThat(indices(100, 30, null, 1)).containsExactly(0);
        assertThat(indices(300, 30, 1.0, 32)).hasSize(10);
        assertThat(indices(5, 30, null, MediaOptions.ALL_FRAMES)).containsExactly(0, 1, 2, 3, 4);
        assertThat(indices(300, 30, 2.0, MediaOptions.ALL_FRAMES)).hasSize(20);
    }

    @Test
    void aRateIsSampledAsQwenDoes() {
        assertThat(indices(20, 10, null, null)).containsExactly(0, 6, 13, 19);
        assertThat(indices(100, 30, 2.0, null)).containsExactly(0, 20, 40, 59, 79, 99);
        assertThat(indices(7, 1, 1.0, null)).as("an even number").containsExactly(0, 1, 2, 4, 5, 6);
    }

    @Test
    void fewAndManyFramesStayWithinTheBounds() {
        assertThat(indices(30, 30, 2.0, null)).as("fewest").hasSize(4);
        assertThat(indices(100_000, 30, 10.0, null)).as("most").hasSize(768);
        assertThat(indices(3, 30, null, null)).containsExactly(0, 2);
        assertThat(indices(1, 30, null, null)).containsExactly(0);
    }
}

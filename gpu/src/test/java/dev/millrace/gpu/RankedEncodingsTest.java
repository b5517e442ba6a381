package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Items go to ranks so that all have about as much to do. */
class RankedEncodingsTest {

    private static List<MediaInput> items(int... heights) {
        return IntStream.of(heights)
                .mapToObj(height -> new MediaInput(
                        new MediaItem(new MediaKey(0, height), false, 1, height, 2, 0, new float[height * 2 * 1176]),
                        new int[height / 2]))
                .toList();
    }

    private static List<List<Integer>> heights(List<List<MediaInput>> parts) {
        return parts.stream()
                .map(part -> part.stream()
                        .map(input -> input.item().numPatches() / 2)
                        .toList())
                .toList();
    }

    @Test
    void theLargestGoFirstEachToWhoHasLeast() {
        assertThat(heights(RankedEncodings.parts(items(2, 8, 4, 6, 2), 2, 2)))
                .containsExactly(List.of(2, 8, 2), List.of(4, 6));
    }

    @Test
    void itemsOfOneSizeAreDealtOutInTurn() {
        assertThat(heights(RankedEncodings.parts(items(4, 4, 4, 4, 4), 2, 2)))
                .containsExactly(List.of(4, 4, 4), List.of(4, 4));
    }

    @Test
    void fewerItemsThanRanksLeaveSomeWithoutAny() {
        assertThat(heights(RankedEncodings.parts(items(4), 3, 3))).containsExactly(List.of(4), List.of(), List.of());
    }

    @Test
    void allCanBeKeptTogether() {
        assertThat(heights(RankedEncodings.parts(items(2, 4), 1, 2))).containsExactly(List.of(2, 4), List.of());
    }
}

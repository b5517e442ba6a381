package dev.millrace.gpu.step;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DecodeSizesTest {

    @Test
    void sizesGrowByAtMostAQuarterBeyondSixteen() {
        assertThat(all(256))
                .containsExactly(1, 2, 4, 8, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256);
    }

    @Test
    void theMostSequencesAreASizeOfTheirOwn() {
        assertThat(all(1)).containsExactly(1);
        assertThat(all(7)).containsExactly(1, 2, 4, 7);
        assertThat(all(33)).containsExactly(1, 2, 4, 8, 16, 20, 24, 28, 32, 33);
        assertThat(all(5000)).endsWith(448, 512);
    }

    @Test
    void aStepGetsTheSmallestSizeThatHoldsIt() {
        DecodeSizes sizes = new DecodeSizes(256);
        for (int sequences = 1; sequences <= 256; sequences++) {
            int index = sizes.indexFor(sequences);
            assertThat(sizes.size(index)).isGreaterThanOrEqualTo(sequences);
            assertThat(index == 0 || sizes.size(index - 1) < sequences).isTrue();
        }
    }

    private static int[] all(int maxNumSeqs) {
        DecodeSizes sizes = new DecodeSizes(maxNumSeqs);
        return IntStream.range(0, sizes.count()).map(sizes::size).toArray();
    }
}

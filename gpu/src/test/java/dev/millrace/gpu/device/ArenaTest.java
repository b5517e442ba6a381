package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ArenaTest {

    @Test
    void aMeasuringRunGivesTheSizeThatTheSameRunNeeds() {
        Arena measuring = Arena.measuring();
        run(measuring);
        assertThat(measuring.peak()).isEqualTo(256 + 3_000_000_128L + 128 + 512);

        Arena arena = new Arena(DeviceBuffer.imagined(measuring.peak()));
        run(arena);
        assertThat(arena.mark()).isEqualTo(256);
    }

    @Test
    void aPieceBeyondTheEndIsRefused() {
        Arena arena = new Arena(DeviceBuffer.imagined(1024));
        assertThat(arena.take(700).bytes()).isEqualTo(700);
        assertThatThrownBy(() -> arena.take(257))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("bytes 768 to 1025 of an imagined buffer, which has 1024");
        assertThat(arena.take(256).bytes()).isEqualTo(256);
    }

    @Test
    void rewindingForwardsIsRefused() {
        Arena arena = Arena.measuring();
        arena.take(1);
        assertThatThrownBy(() -> arena.rewind(512)).isInstanceOf(IllegalArgumentException.class);
    }

    private static void run(Arena arena) {
        arena.take(1);
        long mark = arena.mark();
        arena.take(3_000_000_128L);
        arena.take(300);
        arena.rewind(mark);
        arena.take(5000);
        arena.rewind(mark);
    }
}

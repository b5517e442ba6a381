package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class GridTest {

    @Test
    void aLaunchOfNothingIsRefused() {
        assertThatThrownBy(() -> Grid.of(0, 32)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Grid.of(1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void boundsOfTheHardwareHold() {
        assertThat(Grid.of(Integer.MAX_VALUE, 65_535, 65_535, 1024).withShared(7))
                .isEqualTo(new Grid(Integer.MAX_VALUE, 65_535, 65_535, 1024, 7));
        assertThatThrownBy(() -> Grid.of(1, 65_536, 32)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Grid.of(1, 1, 65_536, 32)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Grid.of(1, 1025)).isInstanceOf(IllegalArgumentException.class);
    }
}

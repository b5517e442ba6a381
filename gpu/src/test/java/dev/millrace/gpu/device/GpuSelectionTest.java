package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GpuSelectionTest {

    @Test
    void withoutAChoiceAllVisibleGpusAreTakenInGroups() {
        assertThat(select(Set.of(), null, null, 5, 2)).containsExactly(List.of(0, 1), List.of(2, 3));
    }

    @Test
    void theUsersChoiceKeepsItsOrder() {
        assertThat(select(Set.of(), " 3,1, 0 ", "7,6,5,4", 4, 1)).containsExactly(List.of(3), List.of(1), List.of(0));
    }

    @Test
    void flinksResourceComesBeforeTheUsersChoiceAndIsSorted() {
        assertThat(select(Set.of("2", "10", "1"), "0", null, 16, 3)).containsExactly(List.of(1, 2, 10));
    }

    @Test
    void flinksIndicesAreThoseOfTheMachineAndNotOfTheVisibleGpus() {
        assertThat(select(Set.of("4", "6"), null, "6,5,4", 3, 1)).containsExactly(List.of(2), List.of(0));
    }

    @Test
    void anIndexThatIsHiddenIsRefused() {
        assertThatThrownBy(() -> select(Set.of("1"), null, "GPU-6f1c, GPU-77aa", 2, 1))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessage("Flink's external resource names GPU 1, which CUDA_VISIBLE_DEVICES=GPU-6f1c,GPU-77aa hides:"
                        + " leave the variable unset");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0,", "-1", "a", "0;1", "99999999999", "1.0"})
    void whatIsNoNumberIsRefused(String list) {
        assertThatThrownBy(() -> select(Set.of(), list, null, 4, 1))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessageStartingWith("--gpu-ids names '")
                .hasMessageEndingWith("': GPUs are given as whole numbers from 0, with commas between");
    }

    @Test
    void theSameGpuTwiceIsRefused() {
        assertThatThrownBy(() -> select(Set.of(), "1,2,1", null, 4, 1))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessage("--gpu-ids 1,2,1 names GPU 1 twice");
    }

    @Test
    void aGpuThatIsNotThereIsRefused() {
        assertThatThrownBy(() -> select(Set.of(), "0,4", null, 4, 1))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessage("--gpu-ids names GPU 4 and 4 are visible: GPUs are numbered from 0");
    }

    @Test
    void aGroupLargerThanWhatIsLeftIsRefused() {
        assertThatThrownBy(() -> select(Set.of(), "0,1,2", null, 8, 4))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessage("--tensor-parallel-size 4 needs as many GPUs and --gpu-ids leaves 3: give more GPUs, or"
                        + " lower it");
    }

    private static List<List<Integer>> select(Set<String> indices, String ids, String visible, int count, int size) {
        return GpuSelection.of(indices, Optional.ofNullable(ids), Optional.ofNullable(visible), count, size)
                .groups();
    }
}

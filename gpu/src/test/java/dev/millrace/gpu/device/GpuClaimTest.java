package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GpuClaimTest {
    private static final IntFunction<String> UUIDS = ordinal -> "GPU-" + ordinal;
    private static final GpuSelection PAIRS = new GpuSelection(List.of(List.of(0, 1), List.of(2, 3)));

    @TempDir
    Path folder;

    @Test
    void subtasksOfOneProcessGetGroupsOfTheirOwn() {
        try (GpuClaim first = claim(PAIRS, "subtask 0");
                GpuClaim second = claim(PAIRS, "subtask 1")) {
            assertThat(first.ordinals()).containsExactly(0, 1);
            assertThat(second.ordinals()).containsExactly(2, 3);
        }
    }

    @Test
    void oneSubtaskTooManyIsToldWhoHoldsTheGpus() {
        long pid = ProcessHandle.current().pid();
        try (GpuClaim first = claim(PAIRS, "subtask 0");
                GpuClaim second = claim(PAIRS, "subtask 1")) {
            assertThatThrownBy(() -> claim(PAIRS, "subtask 2"))
                    .isInstanceOf(GpuUnavailableException.class)
                    .hasMessage(
                            "no free GPUs for subtask 2: GPU 0 is held by subtask 0 of process %d, GPU 2 is held by"
                                    + " subtask 1 of process %d; give more GPUs (--gpu-ids), or lower the parallelism to one"
                                    + " subtask for each group of --tensor-parallel-size GPUs",
                            pid, pid);
            assertThat(List.of(first, second)).doesNotHaveDuplicates();
        }
    }

    @Test
    void aGroupWithOneTakenGpuIsLeftWhole() {
        try (GpuClaim last = claim(new GpuSelection(List.of(List.of(1))), "another job");
                GpuClaim pair = claim(PAIRS, "subtask 0");
                GpuClaim single = claim(new GpuSelection(List.of(List.of(0))), "subtask 1")) {
            assertThat(last.ordinals()).containsExactly(1);
            assertThat(pair.ordinals()).containsExactly(2, 3);
            assertThat(single.ordinals()).containsExactly(0);
        }
    }

    @Test
    void aReleasedGroupCanBeClaimedAgain() {
        claim(PAIRS, "a first attempt").close();
        try (GpuClaim again = claim(PAIRS, "a second attempt")) {
            assertThat(again.ordinals()).containsExactly(0, 1);
        }
    }

    @Test
    void anotherProcessKeepsItsGpuUntilItIsKilled() throws Exception {
        Process process = ChildJvm.start(List.of(), Map.of(), Holder.class, folder.toString());
        GpuSelection one = new GpuSelection(List.of(List.of(0)));
        try (BufferedReader output = process.inputReader()) {
            assertThat(output.readLine()).isEqualTo("claimed");
            assertThatThrownBy(() -> claim(one, "subtask 0"))
                    .isInstanceOf(GpuUnavailableException.class)
                    .hasMessageContaining("GPU 0 is held by another job of process " + process.pid());
            process.destroyForcibly().waitFor();
            try (GpuClaim claim = claim(one, "subtask 0")) {
                assertThat(claim.ordinals()).containsExactly(0);
            }
        } finally {
            process.destroyForcibly();
        }
    }

    private GpuClaim claim(GpuSelection selection, String holder) {
        return GpuClaim.first(selection, UUIDS, folder, holder);
    }

    /** Holds GPU 0 until its input ends. */
    static final class Holder {
        public static void main(String[] arguments) throws Exception {
            GpuSelection one = new GpuSelection(List.of(List.of(0)));
            try (GpuClaim claim = GpuClaim.first(one, UUIDS, Path.of(arguments[0]), "another job")) {
                System.out.println(claim.ordinals().equals(List.of(0)) ? "claimed" : "not claimed");
                System.in.read();
            }
        }
    }
}

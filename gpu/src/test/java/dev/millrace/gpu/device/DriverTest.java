package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriverTest {

    @Test
    void kernelsRunOnDriversOfTheirMajorVersionAndNewerOnes() {
        assertThatCode(() -> Driver.checkVersion(12_000, 12)).doesNotThrowAnyException();
        assertThatCode(() -> Driver.checkVersion(13_000, 13)).doesNotThrowAnyException();
        assertThatCode(() -> Driver.checkVersion(14_020, 13)).doesNotThrowAnyException();
    }

    @Test
    void anOldDriverIsToldWhichOneWouldDo() {
        assertThatThrownBy(() -> Driver.checkVersion(12_080, 13))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessage("the NVIDIA driver supports CUDA 12.8 and the kernels were compiled by CUDA 13: update the"
                        + " driver to at least version 580, or use --device cpu");
        assertThatThrownBy(() -> Driver.checkVersion(11_040, 12))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessageContaining("at least version 525");
    }

    @Test
    void anOldGpuIsToldWhichOneWouldDo() {
        assertThatCode(() -> Driver.checkCapability(0, "A100", 80)).doesNotThrowAnyException();
        assertThatThrownBy(() -> Driver.checkCapability(1, "Tesla T4", 75))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessage("GPU 1 (Tesla T4) has compute capability 7.5 and 8.0 is the least: use a GPU of Ampere or"
                        + " newer, or --device cpu");
    }

    /** On a machine with a GPU, which is hidden here, and on one without. */
    @Test
    void withoutAGpuTheObstacleIsOneSentenceAndNothingIsLeftBehind(@TempDir Path folder) throws Exception {
        Map<String, String> noGpu = Map.of("CUDA_VISIBLE_DEVICES", "-1", "LD_LIBRARY_PATH", "");
        ChildJvm.Result result = ChildJvm.run(List.of("-Djava.io.tmpdir=" + folder), noGpu, Obstacle.class);
        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.output().lines().filter(line -> line.startsWith("obstacle: ")))
                .singleElement()
                .asString()
                .contains("--device cpu");
        assertThat(folder).isEmptyDirectory();
    }

    static final class Obstacle {
        public static void main(String[] arguments) {
            System.out.println("obstacle: " + Device.obstacle().orElse("none"));
        }
    }
}

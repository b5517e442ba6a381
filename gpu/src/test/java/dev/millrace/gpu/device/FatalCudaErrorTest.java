package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("device")
class FatalCudaErrorTest {

    @Test
    void aKernelThatTrapsEndsTheProcessWithItsOwnCode() throws Exception {
        ChildJvm.Result result = ChildJvm.run(List.of(), Map.of(), Trapping.class);
        assertThat(result.exitCode()).as(result.output()).isEqualTo(FatalCudaError.EXIT_CODE);
        assertThat(result.output())
                .contains("sticky: cuStreamSynchronize failed with CUDA_ERROR_")
                .contains("the process must be restarted")
                .doesNotContain("went on");
    }

    @Test
    void memoryThatRunsOutEndsNoProcess() throws Exception {
        ChildJvm.Result result = ChildJvm.run(List.of(), Map.of(), OutOfMemory.class);
        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.output()).contains("went on");
    }

    static final class Trapping {
        public static void main(String[] arguments) {
            Device device = Device.open(0);
            Stream stream = device.newStream();
            device.load("device_probe").kernel("trap").launch(stream, Grid.of(1, 1), device.newArguments());
            try {
                stream.synchronize();
            } catch (CudaException e) {
                System.out.println((e.isSticky() ? "sticky: " : "ordinary: ") + e.getMessage());
                FatalCudaError.endProcessIfSticky(new IllegalStateException("a step failed", e));
            }
            System.out.println("went on");
        }
    }

    static final class OutOfMemory {
        public static void main(String[] arguments) {
            try (Device device = Device.open(0)) {
                device.allocate(Long.MAX_VALUE / 2, "far too much");
            } catch (CudaException e) {
                FatalCudaError.endProcessIfSticky(e);
            }
            System.out.println("went on");
        }
    }
}

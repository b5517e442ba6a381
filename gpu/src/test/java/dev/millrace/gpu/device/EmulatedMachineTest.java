package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Machines that are at hand only as emulated ones: with an old GPU, two GPUs, none, or CUDA 13 alone. */
@Tag("emulator")
class EmulatedMachineTest {
    @TempDir
    Path folder;

    @Test
    void anOldGpuIsNoGpuToUse() throws Exception {
        assertThat(run(Map.of("MILLRACE_EMULATED_CAPABILITY", "75"), DriverTest.Obstacle.class))
                .contains("has compute capability 7.5 and 8.0 is the least");
    }

    @Test
    void aDriverWithoutAGpuIsToldApartFromNoDriver() throws Exception {
        assertThat(run(Map.of("MILLRACE_EMULATED_DEVICES", "0"), DriverTest.Obstacle.class))
                .contains("obstacle: the NVIDIA driver sees no GPU: make one visible (CUDA_VISIBLE_DEVICES, a"
                        + " container's --gpus), or use --device cpu");
    }

    @Test
    void whereCuda13AloneIsInstalledTheForwarderReachesItsCublas() throws Exception {
        String cuda13 =
                Path.of(System.getProperty("millrace.emulator"), "cuda13").toString();
        assertThat(run(Map.of("LD_LIBRARY_PATH", cuda13), Multiplying.class))
                .contains("product: 6.0", "cuda13/libcublas.so.13", "/libcublas.so.12 (deleted)");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aToolkitThatTheLinkerDoesNotKnowIsFoundByItsHome(@TempDir Path toolkit) throws Exception {
        Path emulator = Path.of(System.getProperty("millrace.emulator"));
        Path driver = Files.createDirectory(toolkit.resolve("driver"));
        Files.copy(emulator.resolve("lib/libcuda.so.1"), driver.resolve("libcuda.so.1"));
        Path libraries = Files.createDirectory(toolkit.resolve("lib64"));
        Files.copy(emulator.resolve("cuda13/libcublas.so.13"), libraries.resolve("libcublas.so.13"));
        assertThat(run(
                        Map.of("LD_LIBRARY_PATH", driver.toString(), "CUDA_HOME", toolkit.toString()),
                        Multiplying.class))
                .contains("product: 6.0", libraries + "/libcublas.so.13");
    }

    @Test
    void twoSubtasksOfAMachineWithTwoGpusGetOneEach() throws Exception {
        assertThat(run(Map.of("MILLRACE_EMULATED_DEVICES", "2"), Claiming.class))
                .contains("claimed [0] and [1]")
                .contains("refused: no free GPUs for subtask 2: GPU 0 is held by subtask 0 of process ");
    }

    @Test
    void oneGpuReachesAnothersMemoryOnceThatIsEnabled() throws Exception {
        assertThat(run(Map.of("MILLRACE_EMULATED_DEVICES", "2"), Reaching.class))
                .contains("GPU 1 says 42");
    }

    private String run(Map<String, String> environment, Class<?> main) throws IOException, InterruptedException {
        ChildJvm.Result result = ChildJvm.run(List.of("-Djava.io.tmpdir=" + folder), environment, main);
        assertThat(result.exitCode()).as(result.output()).isZero();
        return result.output();
    }

    static final class Multiplying {
        public static void main(String[] arguments) throws IOException {
            try (Device device = Device.open(0)) {
                Stream stream = device.newStream();
                Blas blas = device.newBlas(stream, device.allocate(1 << 20, "workspace"));
                PinnedBuffer host = device.allocatePinned(8, "host");
                host.bytes().putFloat(2).putFloat(3);
                DeviceBuffer numbers = device.allocate(12, "numbers");
                stream.copyToDevice(numbers, 0, host, 0, 8);
                blas.multiply(
                        Type.F32,
                        numbers.slice(0, 4),
                        1,
                        1,
                        1,
                        numbers.slice(4, 4),
                        1,
                        1,
                        numbers.slice(8, 4),
                        Type.F32,
                        1,
                        0);
                stream.copyToHost(host, 0, numbers, 8, 4);
                stream.synchronize();
                System.out.println("product: " + host.bytes().getFloat());
                Files.lines(Path.of("/proc/self/maps"))
                        .filter(line -> line.contains("libcublas.so"))
                        .forEach(System.out::println);
            } catch (GpuUnavailableException e) {
                System.out.println("refused: " + e.getMessage());
            }
        }
    }

    static final class Claiming {
        public static void main(String[] arguments) {
            GpuSelection selection = GpuSelection.of(List.of(), Optional.empty(), Optional.empty(), Device.count(), 1);
            try (GpuClaim first = GpuClaim.first(selection, "subtask 0");
                    GpuClaim second = GpuClaim.first(selection, "subtask 1")) {
                System.out.println("claimed %s and %s".formatted(first.ordinals(), second.ordinals()));
                GpuClaim.first(selection, "subtask 2").close();
            } catch (GpuUnavailableException e) {
                System.out.println("refused: " + e.getMessage());
            }
        }
    }

    static final class Reaching {
        public static void main(String[] arguments) {
            try (Device one = Device.open(1);
                    Device zero = Device.open(0)) {
                one.bindThread();
                DeviceBuffer remote = one.allocate(4, "remote");
                PinnedBuffer host = one.allocatePinned(4, "host");
                if (zero.canAccess(one)) {
                    zero.enableAccess(one);
                    zero.enableAccess(one);
                }
                Stream stream = zero.newStream();
                KernelArguments values =
                        zero.newArguments().pointer(remote).intValue(0).intValue(42);
                zero.load("device_probe").kernel("set_one").launch(stream, Grid.of(1, 1), values);
                stream.synchronize();
                one.bindThread();
                Stream home = one.newStream();
                home.copyToHost(host, 0, remote, 0, 4);
                home.synchronize();
                System.out.println("GPU 1 says " + host.bytes().getInt());
            }
        }
    }
}

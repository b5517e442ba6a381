package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("device")
class KernelTest {
    private Device device;
    private Stream stream;
    private Module module;

    @BeforeEach
    void open() {
        device = Device.open(0);
        stream = device.newStream();
        module = device.load("device_probe");
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void everyKindOfArgumentArrives() {
        int n = 1000;
        DeviceBuffer x = device.allocate(4 * n, "x");
        DeviceBuffer y = device.allocate(4 * (n + 3), "y");
        PinnedBuffer host = device.allocatePinned(4 * (n + 3), "host");
        ByteBuffer bytes = host.bytes();
        for (int i = 0; i < n; i++) {
            bytes.putFloat(4 * i, i);
        }
        stream.copyToDevice(x, 0, host, 0, 4 * n);
        stream.fill(y, 0);
        KernelArguments arguments = device.newArguments();
        module.kernel("add_scaled")
                .launch(
                        stream,
                        Grid.of(4, 256),
                        arguments
                                .pointer(y)
                                .pointer(x.address())
                                .floatValue(-0.5f)
                                .intValue(n)
                                .longValue(3));
        stream.copyToHost(host, 0, y, 0, y.bytes());
        stream.synchronize();
        for (int i = 0; i < n + 3; i++) {
            assertThat(bytes.getFloat(4 * i)).isEqualTo(i < 3 ? 0 : -0.5f * (i - 3));
        }
    }

    @Test
    void argumentsMayBeWrittenAgainBeforeTheKernelRan() {
        int n = 500;
        DeviceBuffer y = device.allocate(4 * n, "y");
        PinnedBuffer host = device.allocatePinned(4 * n, "host");
        Kernel setOne = module.kernel("set_one");
        KernelArguments arguments = device.newArguments();
        for (int i = 0; i < n; i++) {
            setOne.launch(
                    stream,
                    Grid.of(1, 1),
                    arguments.reset().pointer(y).intValue(i).intValue(7 * i));
        }
        stream.copyToHost(host, 0, y, 0, 4 * n);
        stream.synchronize();
        for (int i = 0; i < n; i++) {
            assertThat(host.bytes().getInt(4 * i)).isEqualTo(7 * i);
        }
    }

    @Test
    void argumentsOfManyKernelsDoNotTouch() {
        int n = 200;
        DeviceBuffer y = device.allocate(4 * n, "y");
        PinnedBuffer host = device.allocatePinned(4 * n, "host");
        Kernel setOne = module.kernel("set_one");
        KernelArguments[] arguments = new KernelArguments[n];
        for (int i = 0; i < n; i++) {
            arguments[i] = device.newArguments().pointer(y).intValue(i).intValue(i + 1);
        }
        for (KernelArguments one : arguments) {
            setOne.launch(stream, Grid.of(1, 1), one);
        }
        stream.copyToHost(host, 0, y, 0, 4 * n);
        stream.synchronize();
        for (int i = 0; i < n; i++) {
            assertThat(host.bytes().getInt(4 * i)).isEqualTo(i + 1);
        }
    }

    @Test
    void moreThan48KilobytesOfSharedMemoryMustBeAskedFor() {
        int n = 24_000;
        DeviceBuffer y = device.allocate(4 * n, "y");
        PinnedBuffer host = device.allocatePinned(4 * n, "host");
        for (int i = 0; i < n; i++) {
            host.bytes().putInt(4 * i, i);
        }
        stream.copyToDevice(y, 0, host, 0, 4 * n);
        KernelArguments arguments = device.newArguments().pointer(y).intValue(n);
        Grid grid = Grid.of(1, 256).withShared(4 * n);
        Kernel reverse = module.kernel("reverse_words");
        assertThatThrownBy(() -> reverse.launch(stream, grid, arguments))
                .isInstanceOf(CudaException.class)
                .hasMessageStartingWith(
                        "cuLaunchKernelEx failed with CUDA_ERROR_INVALID_VALUE (1): launch reverse_words"
                                + " with Grid[x=1, y=1, z=1, threads=256, sharedBytes=96000]");

        reverse.withDynamicSharedMemory(4 * n).launch(stream, grid, arguments);
        stream.copyToHost(host, 0, y, 0, 4 * n);
        stream.synchronize();
        for (int i = 0; i < n; i++) {
            assertThat(host.bytes().getInt(4 * i)).isEqualTo(n - 1 - i);
        }
    }

    @Test
    void tooManyThreadsAreRefusedAndTheDeviceGoesOn() {
        DeviceBuffer y = device.allocate(4, "y");
        KernelArguments arguments = device.newArguments().pointer(y).intValue(0);
        assertThatThrownBy(() -> module.kernel("reverse_words").launch(stream, Grid.of(1, 512), arguments))
                .isInstanceOfSatisfying(
                        CudaException.class, e -> assertThat(e.isSticky()).isFalse());
        stream.fill(y, 0);
        stream.synchronize();
    }

    @Test
    void overlappingLaunchesStillRunInOrder() {
        DeviceBuffer y = device.allocate(4, "y");
        PinnedBuffer host = device.allocatePinned(4, "host");
        Kernel step = module.kernel("step_one_overlapping");
        KernelArguments arguments = device.newArguments().pointer(y).intValue(3);
        stream.fill(y, 0);
        int expected = 0;
        for (int i = 0; i < 40; i++) {
            step.launchOverlapping(stream, Grid.of(1, 1), arguments);
            expected = 3 * expected + 1;
        }
        stream.copyToHost(host, 0, y, 0, 4);
        stream.synchronize();
        assertThat(host.bytes().getInt()).isEqualTo(expected);
    }

    @Test
    void argumentsThatAreNotTheKernelsOwnAreRefused() {
        DeviceBuffer y = device.allocate(8, "y");
        Kernel setOne = module.kernel("set_one");
        KernelArguments arguments = device.newArguments();
        assertThatThrownBy(() -> setOne.launch(
                        stream, Grid.of(1, 1), arguments.pointer(y).intValue(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("set_one takes parameters of 8 4 4 bytes and was given arguments long 0x")
                .hasMessageEndingWith(" int 0x1");
        assertThatThrownBy(() -> setOne.launch(
                        stream,
                        Grid.of(1, 1),
                        arguments.reset().pointer(y).longValue(0).intValue(1)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> setOne.launch(
                        stream,
                        Grid.of(1, 1),
                        arguments.reset().pointer(y).intValue(0).intValue(1).intValue(2)))
                .isInstanceOf(IllegalArgumentException.class);
        setOne.launch(
                stream, Grid.of(1, 1), arguments.reset().pointer(y).intValue(0).intValue(1));
        stream.synchronize();
    }

    @Test
    void aKernelOrFileThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> module.kernel("nothing"))
                .isInstanceOf(CudaException.class)
                .hasMessageStartingWith("cuModuleGetFunction failed with CUDA_ERROR_NOT_FOUND (500): find nothing in"
                        + " device_probe");
        assertThatThrownBy(() -> device.load("nothing"))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessage(
                        "the CUDA kernels of nothing are not in this build: put CUDA's nvcc on PATH and build again,"
                                + " or use --device cpu");
    }

    @Test
    void moreArgumentsThanFitAreRefused() {
        KernelArguments arguments = device.newArguments();
        for (int i = 0; i < 32; i++) {
            arguments.intValue(i);
        }
        assertThatThrownBy(() -> arguments.longValue(1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aLaunchMakesNoGarbage() {
        DeviceBuffer y = device.allocate(4, "y");
        Kernel setOne = module.kernel("set_one");
        KernelArguments arguments = device.newArguments();
        Grid grid = Grid.of(1, 1);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        launch(100, setOne, grid, arguments, y);
        long before = threads.getCurrentThreadAllocatedBytes();
        launch(1000, setOne, grid, arguments, y);
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1000);
        stream.synchronize();
    }

    private void launch(int times, Kernel setOne, Grid grid, KernelArguments arguments, DeviceBuffer y) {
        for (int i = 0; i < times; i++) {
            setOne.launch(stream, grid, arguments.reset().pointer(y).intValue(0).intValue(i));
        }
    }
}

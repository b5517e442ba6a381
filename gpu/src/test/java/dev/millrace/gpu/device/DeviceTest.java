package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("device")
class DeviceTest {

    @Test
    void theFirstDeviceCanBeUsed() {
        assertThat(Device.obstacle()).isEmpty();
        assertThat(Device.available()).isTrue();
        assertThat(Device.count()).isPositive();
        assertThat(Device.uuid(0)).matches("GPU-[0-9a-f-]{36}");
        try (Device device = Device.open(0)) {
            assertThat(device.ordinal()).isZero();
            assertThat(device.name()).isNotBlank();
            assertThat(device.computeCapability()).isBetween(80, 200);
            assertThat(device.multiprocessors()).isPositive();
            assertThat(device.maxSharedMemory()).isGreaterThanOrEqualTo(99 * 1024);
            assertThat(device.freeMemory()).isPositive().isLessThanOrEqualTo(device.totalMemory());
        }
    }

    @Test
    void aDeviceThatIsNotThereIsRefused() {
        int count = Device.count();
        assertThatThrownBy(() -> Device.open(count))
                .isInstanceOf(GpuUnavailableException.class)
                .hasMessage("GPU %d was asked for and the driver sees %d: GPUs are numbered from 0", count, count);
        assertThatThrownBy(() -> Device.open(-1)).isInstanceOf(GpuUnavailableException.class);
    }

    @Test
    void memoryThatRunsOutSaysWhatItWasForAndTheDeviceGoesOn() {
        try (Device device = Device.open(0)) {
            long total = device.totalMemory();
            assertThatThrownBy(() -> device.allocate(2 * total, "the KV cache"))
                    .isInstanceOfSatisfying(CudaException.class, e -> {
                        assertThat(e.isOutOfMemory()).isTrue();
                        assertThat(e.isSticky()).isFalse();
                        assertThat(e)
                                .hasMessageMatching(
                                        "cuMemAlloc failed with CUDA_ERROR_OUT_OF_MEMORY \\(2\\): %d bytes for the KV cache on GPU 0 \\(.+\\), where \\d+ of %d are free; lower --gpu-memory-utilization, or end what else uses the GPU"
                                                .formatted(2 * total, total));
                    });
            assertThat(device.stillOpen()).isEmpty();
            try (DeviceBuffer buffer = device.allocate(1 << 20, "a buffer")) {
                assertThat(buffer.bytes()).isEqualTo(1 << 20);
            }
        }
    }

    @Test
    void aDeviceThatWasClosedCanBeOpenedAgain() {
        Device.open(0).close();
        try (Device device = Device.open(0)) {
            device.newStream().synchronize();
        }
    }

    @Test
    void closingFreesWhatIsLeftAndLeaksHaveNames() {
        long free;
        try (Device device = Device.open(0)) {
            free = device.freeMemory();
            device.allocate(64 << 20, "a forgotten cache");
            DeviceBuffer closed = device.allocate(1 << 20, "a closed buffer");
            device.allocatePinned(100, "forgotten inputs");
            device.newStream();
            closed.close();
            closed.close();
            device.newArguments();
            assertThat(device.stillOpen())
                    .containsExactly(
                            "a forgotten cache, 67108864 bytes of device memory",
                            "forgotten inputs, 100 bytes of pinned memory",
                            "a stream");
            assertThat(device.freeMemory()).isLessThanOrEqualTo(free - (64 << 20));
        }
        try (Device device = Device.open(0)) {
            // a driver's own needs differ a little from context to context
            assertThat(device.freeMemory()).isCloseTo(free, within(32L << 20));
            assertThat(device.stillOpen()).isEmpty();
        }
    }

    @Test
    void whatIsClosedIsFreeWhileTheContextLives() {
        long bytes = 64 << 20;
        try (Device survivor = Device.open(0)) {
            long free = survivor.freeMemory();
            try (Device device = Device.open(0)) {
                device.allocate(bytes, "left to the device");
                DeviceBuffer closed = device.allocate(bytes, "closed");
                assertThat(survivor.freeMemory()).isLessThanOrEqualTo(free - 2 * bytes);
                closed.close();
                assertThat(survivor.freeMemory())
                        .isGreaterThan(free - 2 * bytes)
                        .isLessThanOrEqualTo(free - bytes);
            }
            assertThat(survivor.freeMemory()).isGreaterThan(free - bytes);
        }
    }

    @Test
    void noDeviceMemoryIsTakenAfterStartUp() {
        try (Device device = Device.open(0)) {
            device.seal();
            assertThatThrownBy(() -> device.allocate(16, "a late buffer"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("a late buffer asks for 16 bytes of device memory after start-up");
            assertThat(device.allocatePinned(16, "host memory").size()).isEqualTo(16);
        }
    }

    @Test
    void sizesThatAreNoneAreRefused() {
        try (Device device = Device.open(0)) {
            assertThatThrownBy(() -> device.allocate(0, "nothing")).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> device.allocatePinned(-1, "nothing")).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> device.allocatePinned(1L << 31, "too much"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("too much asks for 2147483648 bytes of pinned memory; a buffer has at most 2 GiB");
        }
    }

    @Test
    void aSliceKeepsToItsBufferAndFreesNothing() {
        try (Device device = Device.open(0);
                DeviceBuffer buffer = device.allocate(1024, "a buffer")) {
            DeviceBuffer slice = buffer.slice(256, 512).slice(128, 384);
            assertThat(slice.address()).isEqualTo(buffer.address() + 384);
            assertThat(slice.bytes()).isEqualTo(384);
            slice.close();
            assertThat(device.stillOpen()).isEqualTo(List.of("a buffer, 1024 bytes of device memory"));
            assertThatThrownBy(() -> slice.slice(1, 384)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> buffer.slice(Long.MAX_VALUE, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void anotherThreadWorksOnceItIsBound() throws Exception {
        try (Device device = Device.open(0)) {
            Throwable[] failure = new Throwable[1];
            Thread thread = new Thread(() -> {
                device.bindThread();
                device.newStream().synchronize();
            });
            thread.setUncaughtExceptionHandler((where, e) -> failure[0] = e);
            thread.start();
            thread.join();
            assertThat(failure[0]).isNull();
        }
    }
}

package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("device")
class StreamTest {
    private Device device;
    private Stream stream;

    @BeforeEach
    void open() {
        device = Device.open(0);
        stream = device.newStream();
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void bytesComeBackFromWhereTheyWereCopied() {
        PinnedBuffer from = device.allocatePinned(10_000, "source");
        PinnedBuffer to = device.allocatePinned(10_000, "target");
        DeviceBuffer first = device.allocate(10_000, "first");
        DeviceBuffer second = device.allocate(10_000, "second");
        byte[] bytes = new byte[5_000];
        new Random(1).nextBytes(bytes);
        from.bytes().position(17).put(bytes);

        stream.fill(second, 0xFF);
        stream.copyToDevice(first, 4_999, from, 17, 5_000);
        stream.copy(second.slice(1_000, 6_000), 500, first, 4_999, 5_000);
        stream.copyToHost(to, 0, second, 0, 10_000);
        stream.synchronize();

        byte[] expected = new byte[10_000];
        java.util.Arrays.fill(expected, (byte) 0xFF);
        System.arraycopy(bytes, 0, expected, 1_500, 5_000);
        byte[] actual = new byte[10_000];
        to.bytes().get(actual);
        assertThat(actual).isEqualTo(expected);
    }

    @Test
    void copiesBeyondAnEndAreRefusedBeforeTheDriverSeesThem() {
        PinnedBuffer host = device.allocatePinned(100, "host");
        DeviceBuffer buffer = device.allocate(200, "buffer");
        assertThatThrownBy(() -> stream.copyToDevice(buffer, 0, host, 1, 100))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("bytes 1 to 101 of host, which has 100");
        assertThatThrownBy(() -> stream.copyToHost(host, 0, buffer, 101, 100))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("bytes 101 to 201 of buffer, which has 200");
        assertThatThrownBy(() -> stream.copy(buffer, -1, buffer, 0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aStreamWaitsForAnothersEvent() {
        Stream other = device.newStream();
        Event written = device.newEvent();
        DeviceBuffer value = device.allocate(4, "value");
        PinnedBuffer host = device.allocatePinned(4, "host");
        Module module = device.load("device_probe");
        Kernel step = module.kernel("step_one");
        KernelArguments arguments = device.newArguments();
        stream.fill(value, 0);
        for (int i = 0; i < 100; i++) {
            step.launch(stream, Grid.of(1, 1), arguments.reset().pointer(value).intValue(1));
        }
        stream.record(written);
        other.waitFor(written);
        other.copyToHost(host, 0, value, 0, 4);
        other.synchronize();
        assertThat(host.bytes().getInt()).isEqualTo(100);
        assertThat(written.isDone()).isTrue();
        assertThat(other.isDone()).isTrue();
    }

    @Test
    void timingEventsMeasureTheWorkBetweenThem() {
        DeviceBuffer buffer = device.allocate(1 << 24, "buffer");
        Event start = device.newTimingEvent();
        Event middle = device.newTimingEvent();
        Event end = device.newTimingEvent();
        stream.record(start);
        stream.fill(buffer, 1);
        stream.record(middle);
        stream.fill(buffer, 2);
        stream.record(end);
        end.synchronize();
        assertThat(middle.millisSince(start)).isPositive();
        assertThat(end.millisSince(start)).isGreaterThanOrEqualTo(middle.millisSince(start));
    }

    @Test
    void timeBetweenEventsWithoutTimesIsRefused() {
        Event start = device.newEvent();
        Event end = device.newEvent();
        stream.record(start);
        stream.record(end);
        end.synchronize();
        assertThatThrownBy(() -> end.millisSince(start))
                .isInstanceOf(CudaException.class)
                .hasMessageStartingWith("cuEventElapsedTime failed with CUDA_ERROR_INVALID_HANDLE");
    }

    @Test
    void pinnedMemoryIsLittleEndianAndViewsHavePositionsOfTheirOwn() {
        PinnedBuffer pinned = device.allocatePinned(16, "pinned");
        ByteBuffer view = pinned.bytes();
        view.putInt(0x01020304);
        assertThat(pinned.bytes().get(0)).isEqualTo((byte) 4);
        assertThat(pinned.bytes().position()).isZero();
        assertThat(pinned.address()).isNotZero();
    }
}

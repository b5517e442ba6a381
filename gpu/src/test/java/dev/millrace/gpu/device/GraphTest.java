package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("device")
class GraphTest {
    private Device device;
    private Stream stream;
    private DeviceBuffer value;
    private PinnedBuffer host;
    private Kernel step;
    private KernelArguments arguments;

    @BeforeEach
    void open() {
        device = Device.open(0);
        stream = device.newStream();
        value = device.allocate(4, "value");
        host = device.allocatePinned(4, "host");
        step = device.load("device_probe").kernel("step_one");
        arguments = device.newArguments();
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void aCapturedGraphRunsOnlyWhenItIsLaunchedAndThenEachTime() {
        stream.fill(value, 0);
        Graph graph = stream.capture(() -> {
            step(1);
            step(2);
            step(3);
        });
        assertThat(read()).isZero();
        stream.launch(graph);
        assertThat(read()).isEqualTo(10);
        stream.launch(graph);
        stream.launch(graph);
        assertThat(read()).isEqualTo(430);
        graph.close();
        assertThat(device.stillOpen()).noneMatch(label -> label.contains("graph"));
    }

    @Test
    void aGraphOfOneStreamCanBeLaunchedOnAnother() {
        stream.fill(value, 0);
        Graph graph = stream.capture(() -> step(1));
        stream.synchronize();
        Stream other = device.newStream();
        other.launch(graph);
        other.synchronize();
        assertThat(read()).isEqualTo(1);
    }

    @Test
    void waitingInACaptureIsRefusedAndTheNextCaptureSucceeds() {
        assertThatThrownBy(() -> stream.capture(() -> {
                    step(1);
                    stream.synchronize();
                }))
                .isInstanceOfSatisfying(CudaException.class, e -> {
                    assertThat(e.call()).isEqualTo("cuStreamSynchronize");
                    assertThat(e.isSticky()).isFalse();
                    assertThat(e.getSuppressed()).isEmpty();
                });
        aCapturedGraphRunsOnlyWhenItIsLaunchedAndThenEachTime();
    }

    @Test
    void workThatFailsInACaptureLeavesTheThreadFree() {
        assertThatThrownBy(() -> stream.capture(() -> {
                    step(1);
                    throw new IllegalStateException("a shape is wrong");
                }))
                .hasMessage("a shape is wrong")
                .hasNoSuppressedExceptions();
        try (DeviceBuffer buffer = device.allocate(16, "a buffer")) {
            assertThat(buffer.bytes()).isEqualTo(16);
        }
        aCapturedGraphRunsOnlyWhenItIsLaunchedAndThenEachTime();
    }

    private void step(int factor) {
        step.launch(stream, Grid.of(1, 1), arguments.reset().pointer(value).intValue(factor));
    }

    private int read() {
        stream.copyToHost(host, 0, value, 0, 4);
        stream.synchronize();
        return host.bytes().getInt();
    }
}

package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.operations.Slice;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How encodings are cut into chunks; the device has some work to measure. */
@Tag("device")
class SlicedEncodingsTest {

    private static final double FOR_EVER = 1e9;

    private final List<String> log = new ArrayList<>();
    private TestDevice test;
    private DeviceBuffer memory;
    private SlicedEncodings encodings;

    @BeforeEach
    void open() {
        test = new TestDevice();
        memory = test.poisoned(Type.F32, 1 << 20);
        encodings = new SlicedEncodings(test.device(), test.stream());
    }

    @AfterEach
    void close() {
        test.close();
    }

    private Slice slice(String name, int pieces) {
        return new Slice(pieces, 10, (first, count) -> {
            test.stream().fill(memory, 1);
            log.add(name + first + "+" + count);
        });
    }

    private void add(String name) {
        encodings.add(List.of(slice(name, 1), slice(name + "'", 3), slice(name + "''", 1)), () -> log.add(name + "!"));
    }

    @Test
    void aChunkIsOnePieceWhileNothingIsKnownAndAllThereIsTimeForThen() {
        add("a");
        add("b");
        encodings.launch(FOR_EVER);
        assertThat(log).as("nothing was measured").containsExactly("a0+1");
        test.stream().synchronize();
        encodings.launch(0);
        assertThat(log).as("at least one").containsExactly("a0+1", "a'0+1");
        encodings.launch(FOR_EVER);
        assertThat(log).containsExactly("a0+1", "a'0+1", "a'1+2", "a''0+1", "a!", "b0+1", "b'0+3", "b''0+1", "b!");
        assertThat(encodings.isEmpty()).isTrue();
    }

    /** The emulator's clock is the host's, so what a chunk holds then may be any number of pieces; their order may not. */
    @Test
    void howeverLongAChunkMayBeEachPieceComesOnceAndInOrder() {
        for (double seconds : new double[] {0, 1e-9, 1e-6, 1e-5, 1e-4, 1e-3, FOR_EVER}) {
            log.clear();
            add("a");
            for (int chunks = 0; !encodings.isEmpty(); chunks++) {
                encodings.awaitLast();
                encodings.launch(seconds);
                assertThat(chunks).isLessThan(5);
            }
            List<Integer> pieces = log.stream()
                    .filter(line -> line.startsWith("a'") && !line.startsWith("a''"))
                    .map(line -> Integer.parseInt(line.substring(line.indexOf('+') + 1)))
                    .toList();
            assertThat(pieces.stream().mapToInt(i -> i).sum()).isEqualTo(3);
            assertThat(log).startsWith("a0+1").endsWith("a''0+1", "a!");
        }
    }

    @Test
    void whatIsAbandonedIsToldAndNotLaunched() {
        add("a");
        add("b");
        encodings.launch(0);
        encodings.abandon();
        assertThat(log).containsExactly("a0+1", "a!", "b!");
        assertThat(encodings.isEmpty()).isTrue();
    }
}

package dev.millrace.gpu.step;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.kernel.Prepare;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StepInputsTest {

    private static final int[] NONE = {};
    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    @Test
    void sequencesWithoutMeaningFollowTheStepsOwn() {
        StepInputs inputs = new StepInputs(test.device(), new StepLimits(8, 6, 3, 9, 4, 100), 2);
        ForwardBatch batch = new ForwardBatch(
                0,
                new int[] {11, -1},
                new int[] {-1, 3},
                new int[] {1, 2, 3, 4, 5, 6},
                new int[] {0, 1, 2},
                new int[] {17, 9},
                new int[] {4, 2},
                new int[] {0, 1},
                new int[] {4, 2},
                new int[] {-1, -1},
                NONE,
                NONE,
                NONE,
                NONE,
                List.of(),
                false);
        inputs.stage(test.stream(), batch, 2, 1);
        assertThat(inputs.tokens()).isEqualTo(4);
        assertThat(inputs.sequences()).isEqualTo(4);
        assertThat(inputs.samples()).isEqualTo(4);
        assertThat(read(inputs, inputs.ids(), 4)).containsExactly(11, -1, 0, 0);
        assertThat(read(inputs, inputs.mediaRow(), 4)).containsExactly(-1, 3, -1, -1);
        assertThat(read(inputs, inputs.positions(), 12)).containsExactly(1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0);
        assertThat(read(inputs, inputs.cuQ(), 5)).containsExactly(0, 1, 2, 3, 4);
        assertThat(read(inputs, inputs.contextLength(), 4)).containsExactly(17, 9, 1, 1);
        assertThat(read(inputs, inputs.row(), 4)).containsExactly(4, 2, 6, 6);
        assertThat(read(inputs, inputs.sampleToken(), 4)).containsExactly(0, 1, 2, 3);
        assertThat(read(inputs, inputs.draws(), 32))
                .containsExactly(
                        4, 17, 1, 0, -1, 0, 0, 0, 2, 9, 2, 0, -1, 0, 0, 0, 6, 0, 0, 0, -1, 0, 0, 0, 6, 0, 0, 0, -1, 0,
                        0, 0);
    }

    @Test
    void theLastOfSeveralChangesOfAnEntryHolds() {
        assertThat(tablesAfter(3, 4, 2, 1, 7, 0, 0, 5, 2, 1, 8, 2, 3, 6))
                .containsExactly(5, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 6, 0, 0, 0, 0);
    }

    @Test
    void moreChangesThanAStagingBufferHoldsAreMadeAsWell() {
        int rows = 5;
        int length = 2000;
        int[] updates = IntStream.range(0, rows * length)
                .flatMap(i -> IntStream.of(i / length, i % length, 1 + i))
                .toArray();
        assertThat(updates.length / 3).isGreaterThan(StepInputs.MOST_UPDATES);
        int[] expected = new int[(rows + 1) * length];
        Arrays.setAll(expected, i -> i < rows * length ? 1 + i : 0);
        assertThat(tablesAfter(rows, length, updates)).isEqualTo(expected);
    }

    /** The tables that a step's changes lead to. */
    private int[] tablesAfter(int rows, int length, int... updates) {
        StepInputs inputs = new StepInputs(test.device(), new StepLimits(4, rows, length, 1 << 20, 0, 100), 1);
        ForwardBatch batch = new ForwardBatch(
                0,
                new int[] {1},
                new int[] {-1},
                new int[3],
                new int[] {0, 1},
                new int[] {1},
                new int[] {0},
                NONE,
                NONE,
                NONE,
                NONE,
                NONE,
                updates,
                NONE,
                List.of(),
                false);
        inputs.stage(test.stream(), batch, 0, 0);
        if (inputs.tableUpdates() > 0) {
            new Prepare(test.device(), new CacheShape(Type.F32, 1, 1, 2), null).updateTables(test.stream(), inputs);
        }
        return ints(inputs.tables(), 0, (rows + 1) * length);
    }

    private int[] read(StepInputs inputs, long address, int count) {
        return ints(inputs.device(), address - inputs.device().address(), count);
    }

    private int[] ints(DeviceBuffer buffer, long offset, int count) {
        int[] values = new int[count];
        try (PinnedBuffer staging = test.device().allocatePinned(4L * count, "a test's result")) {
            test.stream().copyToHost(staging, 0, buffer, offset, 4L * count);
            test.stream().synchronize();
            staging.bytes().asIntBuffer().get(values);
        }
        return values;
    }
}

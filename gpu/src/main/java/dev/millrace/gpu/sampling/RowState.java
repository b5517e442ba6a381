package dev.millrace.gpu.sampling;

import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.KernelArguments;

/**
 * What the draws of each running sequence depend on, on the device: a row a sequence, and one more, the dummy row, whose
 * samples are none ({@code row_state.cuh}). Every list of tokens has room for the whole vocabulary.
 */
final class RowState {

    static final int FIELDS = 16;
    private static final int BITMAPS = 6;

    private final int rows;
    private final int vocabSize;
    private final DeviceBuffer fields;
    private final DeviceBuffer bitmaps;
    private final DeviceBuffer counts;
    private final DeviceBuffer biases;
    private final DeviceBuffer lastTokens;

    RowState(Arena arena, int rows, int vocabSize) {
        this.rows = rows;
        this.vocabSize = vocabSize;
        long all = rows + 1L;
        long words = (vocabSize + 31) / 32;
        fields = arena.take(all * FIELDS * Integer.BYTES);
        bitmaps = arena.take(all * BITMAPS * words * Integer.BYTES);
        counts = arena.take(all * vocabSize * Integer.BYTES);
        biases = arena.take(all * vocabSize * Float.BYTES);
        lastTokens = arena.take(all * Integer.BYTES);
    }

    int rows() {
        return rows;
    }

    int vocabSize() {
        return vocabSize;
    }

    /** Index of the row whose samples are none. */
    int dummyRow() {
        return rows;
    }

    /** int32[rows+1], the token that each row sampled last. */
    DeviceBuffer lastTokens() {
        return lastTokens;
    }

    DeviceBuffer fields() {
        return fields;
    }

    /** Appends what a kernel's Rows are made of. */
    KernelArguments appendTo(KernelArguments arguments) {
        return arguments
                .pointer(fields)
                .pointer(bitmaps)
                .pointer(counts)
                .pointer(biases)
                .intValue(vocabSize);
    }
}

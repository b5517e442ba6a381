package dev.millrace.cpu.operations;

import dev.millrace.cpu.kernel.AttentionKernel;
import dev.millrace.cpu.kernel.Kernels;

/** Softmax attention of a tile of queries over the first tokens of a list of units, two passes over the whole context. */
final class Attention {

    static final int QUERIES = AttentionKernel.QUERIES;
    private static final int UNIT = KeyValueStore.UNIT;

    private final AttentionKernel kernel;
    private final KeyValueStore store;
    private final float scale;

    Attention(Kernels kernels, KeyValueStore store) {
        this.kernel = kernels.attention();
        this.store = store;
        this.scale = (float) (1 / Math.sqrt(store.headDim()));
    }

    /** Multiplications that a tile takes over a context, roughly. */
    static long cost(int headDim, int context) {
        return (long) QUERIES * context * (2 * headDim + 32);
    }

    /**
     * Computes four queries of one key-value head. {@code scratch} says where the queries lie in {@code q}, how many tokens
     * each attends to (from the first on) and where its result goes.
     *
     * @param table units of the context, from {@code tableStart} on
     * @param count queries whose results are wanted, at most 4; the others repeat one of them
     */
    void tile(Scratch scratch, float[] q, int head, int[] table, int tableStart, int count, float[] out) {
        int tokens = 0;
        for (int length : scratch.queryLengths) {
            tokens = Math.max(tokens, length);
        }
        int stride = (tokens + 2 * UNIT - 1) / (2 * UNIT) * (2 * UNIT);
        scratch.reserveScores(stride);
        scores(scratch, q, head, table, tableStart, tokens, stride);
        for (int i = 0; i < QUERIES; i++) {
            scratch.sums[i] =
                    kernel.softmax(scratch.scores, i * stride, scratch.queryLengths[i], stride, scratch.lanes);
        }
        values(scratch, head, table, tableStart, tokens, stride, count, out);
    }

    private void scores(Scratch scratch, float[] q, int head, int[] table, int tableStart, int tokens, int stride) {
        int units = (tokens + UNIT - 1) / UNIT;
        int headDim = store.headDim();
        for (int unit = 0; unit < units; unit += 2) {
            int a = store.keyOffset(table[tableStart + unit], head);
            int b = unit + 1 < units ? store.keyOffset(table[tableStart + unit + 1], head) : a;
            kernel.scores(
                    q,
                    scratch.queryOffsets,
                    headDim,
                    store.keys(),
                    a,
                    b,
                    scale,
                    scratch.scores,
                    stride,
                    unit * UNIT,
                    (unit + 1) * UNIT);
        }
    }

    private void values(
            Scratch scratch, int head, int[] table, int tableStart, int tokens, int stride, int count, float[] out) {
        int units = (tokens + UNIT - 1) / UNIT;
        for (int unit = 0; unit < units; unit++) {
            scratch.valueUnits[unit] = store.valueOffset(table[tableStart + unit], head);
        }
        int headDim = store.headDim();
        for (int dimension = 0; dimension < headDim; dimension += AttentionKernel.DIMENSIONS) {
            kernel.values(
                    scratch.scores,
                    stride,
                    store.values(),
                    scratch.valueUnits,
                    store.valueDim(),
                    dimension,
                    tokens,
                    scratch.attended);
            int wanted = Math.min(AttentionKernel.DIMENSIONS, headDim - dimension);
            for (int i = 0; i < count; i++) {
                int from = i * AttentionKernel.DIMENSIONS;
                int to = scratch.outOffsets[i] + dimension;
                float sum = scratch.sums[i];
                for (int d = 0; d < wanted; d++) {
                    // adding zero makes -0, which a neighbour's longer context may turn into 0, always 0
                    out[to + d] = scratch.attended[from + d] / sum + 0f;
                }
            }
        }
    }
}

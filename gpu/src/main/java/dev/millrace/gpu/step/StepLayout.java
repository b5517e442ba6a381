package dev.millrace.gpu.step;

/**
 * Where a step's arrays lie in its staging buffer: int32, each starting at a multiple of 64 bytes. Those whose length does
 * not change while a decode step's graph is replayed come first, so that their places are the same for all steps of a size.
 *
 * @param tokens T
 * @param sequences S
 * @param samples R
 * @param tableUpdates U, changed entries of block tables
 * @param copyPairs C, pairs of blocks to copy
 */
public record StepLayout(int tokens, int sequences, int samples, int tableUpdates, int copyPairs) {

    private static final int ALIGNMENT = 16;

    /** Start of ids [T], in integers, as all that follow. */
    public int ids() {
        return 0;
    }

    /** mediaRow [T]. */
    public int mediaRow() {
        return ids() + padded(tokens);
    }

    /** positions [3, T]. */
    public int positions() {
        return mediaRow() + padded(tokens);
    }

    /** cuQ [S+1]. */
    public int cuQ() {
        return positions() + padded(3 * tokens);
    }

    /** contextLength [S]. */
    public int contextLength() {
        return cuQ() + padded(sequences + 1);
    }

    /** row [S]. */
    public int row() {
        return contextLength() + padded(sequences);
    }

    /** sampleToken [R]. */
    public int sampleToken() {
        return row() + padded(sequences);
    }

    /** draws [R, 8], as {@link Draws} has them. */
    public int draws() {
        return sampleToken() + padded(samples);
    }

    /** Triples [U, 3]: row, index, block. */
    public int tableUpdateTriples() {
        return draws() + padded(Draws.INTS * samples);
    }

    /** Pairs [C, 2]: from, to. */
    public int copyPairList() {
        return tableUpdateTriples() + padded(3 * tableUpdates);
    }

    /** Integers in all. */
    public int length() {
        return copyPairList() + padded(2 * copyPairs);
    }

    private static int padded(int length) {
        return (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}

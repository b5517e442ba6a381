package dev.millrace.cpu.kernel;

/**
 * Products of one panel of a weight matrix with one column or a tile of columns. A panel holds 32 outputs, k-major: 16
 * words for each k, the bfloat16 weight of output n in the low half of word n and of output n + 16 in its high half. Every
 * output has a lane of its own. The inner dimension is a multiple of 4.
 */
public interface MatrixKernel {

    /** Outputs of a panel. */
    int PANEL = 32;

    /** Columns of a tile. */
    int TILE = 8;

    /** Pieces in which the inner dimension is summed. */
    int PIECES = 4;

    /**
     * out[32] ← panel · x.
     *
     * @param w packed weights
     * @param panel where the panel starts in {@code w}
     * @param k inner dimension
     * @param x activations, of which k from {@code column} on are used
     */
    void column(int[] w, int panel, int k, float[] x, int column, float[] out);

    /** out[8, 32] ← panel · x for eight columns that lie {@code stride} apart. */
    void tile(int[] w, int panel, int k, float[] x, int column, int stride, float[] out);

    /** As {@link #column(int[], int, int, float[], int, float[])}, with float weights: 32 values for each k. */
    void column(float[] w, int panel, int k, float[] x, int column, float[] out);

    /** As {@link #tile(int[], int, int, float[], int, int, float[])}, with float weights: 32 values for each k. */
    void tile(float[] w, int panel, int k, float[] x, int column, int stride, float[] out);
}

package dev.millrace.cpu.kernel;

/**
 * Attention of four queries at a time over keys and values in units of 16 tokens: keys [hd][16], so that a token is a
 * lane; values [16][padded hd], so that a dimension is a lane. No sum ever crosses lanes but the softmax's denominator.
 */
public interface AttentionKernel {

    /** Queries of a tile. */
    int QUERIES = 4;

    /** Values' rows are padded to a multiple of this. */
    int DIMENSIONS = 32;

    /**
     * Scores of the four queries against two units.
     *
     * @param q queries; {@code query} holds their four offsets
     * @param headDim dimensions summed over
     * @param k keys; {@code unitA} and {@code unitB} say where the two units start (they may be the same)
     * @param s [4, stride] scores; the units' 16 each go to {@code a} and {@code b} within each row
     */
    void scores(
            float[] q,
            int[] query,
            int headDim,
            float[] k,
            int unitA,
            int unitB,
            float scale,
            float[] s,
            int stride,
            int a,
            int b);

    /**
     * Replaces a row's first {@code length} scores by exp(score − maximum), the rest up to {@code padded} (a multiple of
     * 16) by zero, and returns the sum.
     */
    float softmax(float[] s, int row, int length, int padded, float[] lanes);

    /**
     * Weighted sums of values for the four queries and 32 dimensions, token by token.
     *
     * @param p [4, stride] weights
     * @param v values; {@code units} says where each unit starts
     * @param rowLength distance of two tokens in a unit
     * @param dimension first of the 32 dimensions
     * @param tokens how many tokens are summed
     * @param out [4, 32]
     */
    void values(float[] p, int stride, float[] v, int[] units, int rowLength, int dimension, int tokens, float[] out);
}

package dev.millrace.cpu.operations;

import dev.millrace.cpu.kernel.AttentionKernel;
import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.cpu.kernel.MatrixKernel;

/** Memory of one worker. What lies in it between two uses has no meaning. */
final class Scratch {

    final float[] tile = new float[MatrixKernel.TILE * MatrixKernel.PANEL];
    final float[] lanes = new float[Kernels.LANES];
    final float[] attended = new float[AttentionKernel.QUERIES * AttentionKernel.DIMENSIONS];
    final int[] queryOffsets = new int[AttentionKernel.QUERIES];
    final int[] queryLengths = new int[AttentionKernel.QUERIES];
    final int[] outOffsets = new int[AttentionKernel.QUERIES];
    final float[] sums = new float[AttentionKernel.QUERIES];
    float[] scores = {};
    int[] valueUnits = {};

    /** Makes room for the scores of four queries over so many tokens, a multiple of 32. */
    void reserveScores(int tokens) {
        if (scores.length < AttentionKernel.QUERIES * tokens) {
            scores = new float[AttentionKernel.QUERIES * grow(tokens)];
            valueUnits = new int[grow(tokens) / Kernels.LANES];
        }
    }

    private static int grow(int tokens) {
        return Math.max(1024, Integer.highestOneBit(tokens - 1) << 1);
    }
}

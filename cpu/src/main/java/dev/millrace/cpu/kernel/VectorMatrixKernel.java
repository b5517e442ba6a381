package dev.millrace.cpu.kernel;

import static dev.millrace.cpu.kernel.VectorMath.FLOATS;
import static dev.millrace.cpu.kernel.VectorMath.INTS;
import static dev.millrace.cpu.kernel.VectorMath.WIDTH;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * {@link MatrixKernel} with vector instructions. Accumulators are local variables, because vectors in arrays or fields
 * would live on the heap: two for each column of a tile, or two for each piece of a single column. Nor are they passed to
 * methods or chosen by a condition: on Java 17 either halves the speed of the loop before.
 */
final class VectorMatrixKernel implements MatrixKernel {

    private static final int HALF = PANEL / 2;

    @Override
    public void column(int[] w, int panel, int k, float[] x, int column, float[] out) {
        int length = k / PIECES;
        int x0 = column;
        int x1 = x0 + length;
        int x2 = x1 + length;
        int x3 = x2 + length;
        IntVector highHalf = IntVector.broadcast(INTS, 0xFFFF0000);
        for (int lane = 0; lane < HALF; lane += WIDTH) {
            int w0 = panel + lane;
            int w1 = w0 + length * HALF;
            int w2 = w1 + length * HALF;
            int w3 = w2 + length * HALF;
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector a1 = a0;
            FloatVector a2 = a0;
            FloatVector a3 = a0;
            FloatVector b0 = a0;
            FloatVector b1 = a0;
            FloatVector b2 = a0;
            FloatVector b3 = a0;
            for (int i = 0; i < length; i++) {
                FloatVector v0 = FloatVector.broadcast(FLOATS, x[x0 + i]);
                IntVector word0 = IntVector.fromArray(INTS, w, w0 + i * HALF);
                a0 = word0.lanewise(LSHL, 16).reinterpretAsFloats().fma(v0, a0);
                b0 = word0.and(highHalf).reinterpretAsFloats().fma(v0, b0);
                FloatVector v1 = FloatVector.broadcast(FLOATS, x[x1 + i]);
                IntVector word1 = IntVector.fromArray(INTS, w, w1 + i * HALF);
                a1 = word1.lanewise(LSHL, 16).reinterpretAsFloats().fma(v1, a1);
                b1 = word1.and(highHalf).reinterpretAsFloats().fma(v1, b1);
                FloatVector v2 = FloatVector.broadcast(FLOATS, x[x2 + i]);
                IntVector word2 = IntVector.fromArray(INTS, w, w2 + i * HALF);
                a2 = word2.lanewise(LSHL, 16).reinterpretAsFloats().fma(v2, a2);
                b2 = word2.and(highHalf).reinterpretAsFloats().fma(v2, b2);
                FloatVector v3 = FloatVector.broadcast(FLOATS, x[x3 + i]);
                IntVector word3 = IntVector.fromArray(INTS, w, w3 + i * HALF);
                a3 = word3.lanewise(LSHL, 16).reinterpretAsFloats().fma(v3, a3);
                b3 = word3.and(highHalf).reinterpretAsFloats().fma(v3, b3);
            }
            a0.add(0f).add(a1).add(a2).add(a3).intoArray(out, lane);
            b0.add(0f).add(b1).add(b2).add(b3).intoArray(out, lane + HALF);
        }
    }

    @Override
    public void tile(int[] w, int panel, int k, float[] x, int column, int stride, float[] out) {
        int length = k / PIECES;
        Arrays.fill(out, 0f);
        for (int lane = 0; lane < HALF; lane += WIDTH) {
            for (int piece = 0; piece < PIECES; piece++) {
                int from = piece * length;
                tilePiece(w, panel + from * HALF + lane, length, x, column + from, stride, out, lane);
            }
        }
    }

    private static void tilePiece(
            int[] w, int from, int length, float[] x, int column, int stride, float[] out, int to) {
        int x0 = column;
        int x1 = x0 + stride;
        int x2 = x1 + stride;
        int x3 = x2 + stride;
        int x4 = x3 + stride;
        int x5 = x4 + stride;
        int x6 = x5 + stride;
        int x7 = x6 + stride;
        IntVector highHalf = IntVector.broadcast(INTS, 0xFFFF0000);
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector a4 = a0;
        FloatVector a5 = a0;
        FloatVector a6 = a0;
        FloatVector a7 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        FloatVector b4 = a0;
        FloatVector b5 = a0;
        FloatVector b6 = a0;
        FloatVector b7 = a0;
        for (int i = 0; i < length; i++) {
            IntVector word = IntVector.fromArray(INTS, w, from + i * HALF);
            FloatVector low = word.lanewise(LSHL, 16).reinterpretAsFloats();
            FloatVector high = word.and(highHalf).reinterpretAsFloats();
            FloatVector v0 = FloatVector.broadcast(FLOATS, x[x0 + i]);
            a0 = low.fma(v0, a0);
            b0 = high.fma(v0, b0);
            FloatVector v1 = FloatVector.broadcast(FLOATS, x[x1 + i]);
            a1 = low.fma(v1, a1);
            b1 = high.fma(v1, b1);
            FloatVector v2 = FloatVector.broadcast(FLOATS, x[x2 + i]);
            a2 = low.fma(v2, a2);
            b2 = high.fma(v2, b2);
            FloatVector v3 = FloatVector.broadcast(FLOATS, x[x3 + i]);
            a3 = low.fma(v3, a3);
            b3 = high.fma(v3, b3);
            FloatVector v4 = FloatVector.broadcast(FLOATS, x[x4 + i]);
            a4 = low.fma(v4, a4);
            b4 = high.fma(v4, b4);
            FloatVector v5 = FloatVector.broadcast(FLOATS, x[x5 + i]);
            a5 = low.fma(v5, a5);
            b5 = high.fma(v5, b5);
            FloatVector v6 = FloatVector.broadcast(FLOATS, x[x6 + i]);
            a6 = low.fma(v6, a6);
            b6 = high.fma(v6, b6);
            FloatVector v7 = FloatVector.broadcast(FLOATS, x[x7 + i]);
            a7 = low.fma(v7, a7);
            b7 = high.fma(v7, b7);
        }
        int at = to;
        FloatVector.fromArray(FLOATS, out, at).add(a0).intoArray(out, at);
        at = to + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b0).intoArray(out, at);
        at = to + PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a1).intoArray(out, at);
        at = to + PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b1).intoArray(out, at);
        at = to + 2 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a2).intoArray(out, at);
        at = to + 2 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b2).intoArray(out, at);
        at = to + 3 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a3).intoArray(out, at);
        at = to + 3 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b3).intoArray(out, at);
        at = to + 4 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a4).intoArray(out, at);
        at = to + 4 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b4).intoArray(out, at);
        at = to + 5 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a5).intoArray(out, at);
        at = to + 5 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b5).intoArray(out, at);
        at = to + 6 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a6).intoArray(out, at);
        at = to + 6 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b6).intoArray(out, at);
        at = to + 7 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a7).intoArray(out, at);
        at = to + 7 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b7).intoArray(out, at);
    }

    @Override
    public void column(float[] w, int panel, int k, float[] x, int column, float[] out) {
        int length = k / PIECES;
        int x0 = column;
        int x1 = x0 + length;
        int x2 = x1 + length;
        int x3 = x2 + length;
        for (int lane = 0; lane < HALF; lane += WIDTH) {
            int w0 = panel + lane;
            int w1 = w0 + length * PANEL;
            int w2 = w1 + length * PANEL;
            int w3 = w2 + length * PANEL;
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector a1 = a0;
            FloatVector a2 = a0;
            FloatVector a3 = a0;
            FloatVector b0 = a0;
            FloatVector b1 = a0;
            FloatVector b2 = a0;
            FloatVector b3 = a0;
            for (int i = 0; i < length; i++) {
                FloatVector v0 = FloatVector.broadcast(FLOATS, x[x0 + i]);
                a0 = FloatVector.fromArray(FLOATS, w, w0 + i * PANEL).fma(v0, a0);
                b0 = FloatVector.fromArray(FLOATS, w, w0 + HALF + i * PANEL).fma(v0, b0);
                FloatVector v1 = FloatVector.broadcast(FLOATS, x[x1 + i]);
                a1 = FloatVector.fromArray(FLOATS, w, w1 + i * PANEL).fma(v1, a1);
                b1 = FloatVector.fromArray(FLOATS, w, w1 + HALF + i * PANEL).fma(v1, b1);
                FloatVector v2 = FloatVector.broadcast(FLOATS, x[x2 + i]);
                a2 = FloatVector.fromArray(FLOATS, w, w2 + i * PANEL).fma(v2, a2);
                b2 = FloatVector.fromArray(FLOATS, w, w2 + HALF + i * PANEL).fma(v2, b2);
                FloatVector v3 = FloatVector.broadcast(FLOATS, x[x3 + i]);
                a3 = FloatVector.fromArray(FLOATS, w, w3 + i * PANEL).fma(v3, a3);
                b3 = FloatVector.fromArray(FLOATS, w, w3 + HALF + i * PANEL).fma(v3, b3);
            }
            a0.add(0f).add(a1).add(a2).add(a3).intoArray(out, lane);
            b0.add(0f).add(b1).add(b2).add(b3).intoArray(out, lane + HALF);
        }
    }

    @Override
    public void tile(float[] w, int panel, int k, float[] x, int column, int stride, float[] out) {
        int length = k / PIECES;
        Arrays.fill(out, 0f);
        for (int lane = 0; lane < HALF; lane += WIDTH) {
            for (int piece = 0; piece < PIECES; piece++) {
                int from = piece * length;
                tilePiece(w, panel + from * PANEL + lane, length, x, column + from, stride, out, lane);
            }
        }
    }

    private static void tilePiece(
            float[] w, int from, int length, float[] x, int column, int stride, float[] out, int to) {
        int x0 = column;
        int x1 = x0 + stride;
        int x2 = x1 + stride;
        int x3 = x2 + stride;
        int x4 = x3 + stride;
        int x5 = x4 + stride;
        int x6 = x5 + stride;
        int x7 = x6 + stride;
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector a4 = a0;
        FloatVector a5 = a0;
        FloatVector a6 = a0;
        FloatVector a7 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        FloatVector b4 = a0;
        FloatVector b5 = a0;
        FloatVector b6 = a0;
        FloatVector b7 = a0;
        for (int i = 0; i < length; i++) {
            FloatVector low = FloatVector.fromArray(FLOATS, w, from + i * PANEL);
            FloatVector high = FloatVector.fromArray(FLOATS, w, from + HALF + i * PANEL);
            FloatVector v0 = FloatVector.broadcast(FLOATS, x[x0 + i]);
            a0 = low.fma(v0, a0);
            b0 = high.fma(v0, b0);
            FloatVector v1 = FloatVector.broadcast(FLOATS, x[x1 + i]);
            a1 = low.fma(v1, a1);
            b1 = high.fma(v1, b1);
            FloatVector v2 = FloatVector.broadcast(FLOATS, x[x2 + i]);
            a2 = low.fma(v2, a2);
            b2 = high.fma(v2, b2);
            FloatVector v3 = FloatVector.broadcast(FLOATS, x[x3 + i]);
            a3 = low.fma(v3, a3);
            b3 = high.fma(v3, b3);
            FloatVector v4 = FloatVector.broadcast(FLOATS, x[x4 + i]);
            a4 = low.fma(v4, a4);
            b4 = high.fma(v4, b4);
            FloatVector v5 = FloatVector.broadcast(FLOATS, x[x5 + i]);
            a5 = low.fma(v5, a5);
            b5 = high.fma(v5, b5);
            FloatVector v6 = FloatVector.broadcast(FLOATS, x[x6 + i]);
            a6 = low.fma(v6, a6);
            b6 = high.fma(v6, b6);
            FloatVector v7 = FloatVector.broadcast(FLOATS, x[x7 + i]);
            a7 = low.fma(v7, a7);
            b7 = high.fma(v7, b7);
        }
        int at = to;
        FloatVector.fromArray(FLOATS, out, at).add(a0).intoArray(out, at);
        at = to + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b0).intoArray(out, at);
        at = to + PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a1).intoArray(out, at);
        at = to + PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b1).intoArray(out, at);
        at = to + 2 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a2).intoArray(out, at);
        at = to + 2 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b2).intoArray(out, at);
        at = to + 3 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a3).intoArray(out, at);
        at = to + 3 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b3).intoArray(out, at);
        at = to + 4 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a4).intoArray(out, at);
        at = to + 4 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b4).intoArray(out, at);
        at = to + 5 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a5).intoArray(out, at);
        at = to + 5 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b5).intoArray(out, at);
        at = to + 6 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a6).intoArray(out, at);
        at = to + 6 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b6).intoArray(out, at);
        at = to + 7 * PANEL;
        FloatVector.fromArray(FLOATS, out, at).add(a7).intoArray(out, at);
        at = to + 7 * PANEL + HALF;
        FloatVector.fromArray(FLOATS, out, at).add(b7).intoArray(out, at);
    }
}

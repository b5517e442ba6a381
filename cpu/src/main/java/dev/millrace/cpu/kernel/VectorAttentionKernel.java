package dev.millrace.cpu.kernel;

import static dev.millrace.cpu.kernel.VectorMath.FLOATS;
import static dev.millrace.cpu.kernel.VectorMath.WIDTH;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** {@link AttentionKernel} with vector instructions. */
final class VectorAttentionKernel implements AttentionKernel {

    private static final int LANES = Kernels.LANES;

    @Override
    public void scores(
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
            int b) {
        int q0 = query[0];
        int q1 = query[1];
        int q2 = query[2];
        int q3 = query[3];
        for (int lane = 0; lane < LANES; lane += WIDTH) {
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector a1 = a0;
            FloatVector a2 = a0;
            FloatVector a3 = a0;
            FloatVector b0 = a0;
            FloatVector b1 = a0;
            FloatVector b2 = a0;
            FloatVector b3 = a0;
            int keyA = unitA + lane;
            int keyB = unitB + lane;
            for (int d = 0; d < headDim; d++) {
                FloatVector ka = FloatVector.fromArray(FLOATS, k, keyA + d * LANES);
                FloatVector kb = FloatVector.fromArray(FLOATS, k, keyB + d * LANES);
                FloatVector v0 = FloatVector.broadcast(FLOATS, q[q0 + d]);
                a0 = ka.fma(v0, a0);
                b0 = kb.fma(v0, b0);
                FloatVector v1 = FloatVector.broadcast(FLOATS, q[q1 + d]);
                a1 = ka.fma(v1, a1);
                b1 = kb.fma(v1, b1);
                FloatVector v2 = FloatVector.broadcast(FLOATS, q[q2 + d]);
                a2 = ka.fma(v2, a2);
                b2 = kb.fma(v2, b2);
                FloatVector v3 = FloatVector.broadcast(FLOATS, q[q3 + d]);
                a3 = ka.fma(v3, a3);
                b3 = kb.fma(v3, b3);
            }
            a0.mul(scale).intoArray(s, a + lane);
            b0.mul(scale).intoArray(s, b + lane);
            a1.mul(scale).intoArray(s, stride + a + lane);
            b1.mul(scale).intoArray(s, stride + b + lane);
            a2.mul(scale).intoArray(s, 2 * stride + a + lane);
            b2.mul(scale).intoArray(s, 2 * stride + b + lane);
            a3.mul(scale).intoArray(s, 3 * stride + a + lane);
            b3.mul(scale).intoArray(s, 3 * stride + b + lane);
        }
    }

    @Override
    public float softmax(float[] s, int row, int length, int padded, float[] lanes) {
        int rounded = (length + LANES - 1) / LANES * LANES;
        Arrays.fill(s, row + length, row + rounded, Float.NEGATIVE_INFINITY);
        VectorMath.exp(s, row, 1f, max(s, row, rounded, lanes), s, row, rounded);
        for (int lane = 0; lane < LANES; lane += WIDTH) {
            FloatVector sum = FloatVector.zero(FLOATS);
            for (int i = lane; i < rounded; i += LANES) {
                sum = sum.add(FloatVector.fromArray(FLOATS, s, row + i));
            }
            sum.intoArray(lanes, lane);
        }
        Arrays.fill(s, row + rounded, row + padded, 0f);
        return LaneSum.of(lanes);
    }

    private static float max(float[] s, int row, int rounded, float[] lanes) {
        FloatVector largest = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < rounded; i += WIDTH) {
            largest = largest.max(FloatVector.fromArray(FLOATS, s, row + i));
        }
        largest.intoArray(lanes, 0);
        float max = lanes[0];
        for (int i = 1; i < WIDTH; i++) {
            max = Math.max(max, lanes[i]);
        }
        return max;
    }

    @Override
    public void values(
            float[] p, int stride, float[] v, int[] units, int rowLength, int dimension, int tokens, float[] out) {
        Arrays.fill(out, 0f);
        for (int start = 0; start < tokens; start += LANES) {
            int count = Math.min(LANES, tokens - start);
            for (int lane = 0; lane < LANES; lane += WIDTH) {
                int unit = units[start / LANES] + dimension + lane;
                valuesOfUnit(p, start, stride, v, unit, rowLength, count, out, lane);
            }
        }
    }

    /** Adds one unit's tokens; a method of its own, because within another loop Java 17 makes four times as slow code. */
    private static void valuesOfUnit(
            float[] p, int row, int stride, float[] v, int unit, int rowLength, int count, float[] out, int lane) {
        int row1 = row + stride;
        int row2 = row1 + stride;
        int row3 = row2 + stride;
        FloatVector a0 = FloatVector.fromArray(FLOATS, out, lane);
        FloatVector b0 = FloatVector.fromArray(FLOATS, out, lane + LANES);
        FloatVector a1 = FloatVector.fromArray(FLOATS, out, lane + DIMENSIONS);
        FloatVector b1 = FloatVector.fromArray(FLOATS, out, lane + LANES + DIMENSIONS);
        FloatVector a2 = FloatVector.fromArray(FLOATS, out, lane + 2 * DIMENSIONS);
        FloatVector b2 = FloatVector.fromArray(FLOATS, out, lane + LANES + 2 * DIMENSIONS);
        FloatVector a3 = FloatVector.fromArray(FLOATS, out, lane + 3 * DIMENSIONS);
        FloatVector b3 = FloatVector.fromArray(FLOATS, out, lane + LANES + 3 * DIMENSIONS);
        for (int t = 0; t < count; t++) {
            FloatVector va = FloatVector.fromArray(FLOATS, v, unit + t * rowLength);
            FloatVector vb = FloatVector.fromArray(FLOATS, v, unit + t * rowLength + LANES);
            FloatVector p0 = FloatVector.broadcast(FLOATS, p[row + t]);
            a0 = va.fma(p0, a0);
            b0 = vb.fma(p0, b0);
            FloatVector p1 = FloatVector.broadcast(FLOATS, p[row1 + t]);
            a1 = va.fma(p1, a1);
            b1 = vb.fma(p1, b1);
            FloatVector p2 = FloatVector.broadcast(FLOATS, p[row2 + t]);
            a2 = va.fma(p2, a2);
            b2 = vb.fma(p2, b2);
            FloatVector p3 = FloatVector.broadcast(FLOATS, p[row3 + t]);
            a3 = va.fma(p3, a3);
            b3 = vb.fma(p3, b3);
        }
        a0.intoArray(out, lane);
        b0.intoArray(out, lane + LANES);
        a1.intoArray(out, lane + DIMENSIONS);
        b1.intoArray(out, lane + LANES + DIMENSIONS);
        a2.intoArray(out, lane + 2 * DIMENSIONS);
        b2.intoArray(out, lane + LANES + 2 * DIMENSIONS);
        a3.intoArray(out, lane + 3 * DIMENSIONS);
        b3.intoArray(out, lane + LANES + 3 * DIMENSIONS);
    }
}

package dev.millrace.cpu.kernel;

/** {@link AttentionKernel} without vector instructions. */
final class ScalarAttentionKernel implements AttentionKernel {

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
        for (int i = 0; i < QUERIES; i++) {
            for (int lane = 0; lane < LANES; lane++) {
                float sumA = 0;
                float sumB = 0;
                for (int d = 0; d < headDim; d++) {
                    float value = q[query[i] + d];
                    sumA = Math.fma(k[unitA + d * LANES + lane], value, sumA);
                    sumB = Math.fma(k[unitB + d * LANES + lane], value, sumB);
                }
                s[i * stride + a + lane] = sumA * scale;
                s[i * stride + b + lane] = sumB * scale;
            }
        }
    }

    @Override
    public float softmax(float[] s, int row, int length, int padded, float[] lanes) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = row; i < row + length; i++) {
            max = Math.max(max, s[i]);
        }
        java.util.Arrays.fill(lanes, 0, LANES, 0f);
        for (int i = 0; i < length; i++) {
            float e = FloatMath.exp(s[row + i] - max);
            s[row + i] = e;
            lanes[i % LANES] += e;
        }
        java.util.Arrays.fill(s, row + length, row + padded, 0f);
        return LaneSum.of(lanes);
    }

    @Override
    public void values(
            float[] p, int stride, float[] v, int[] units, int rowLength, int dimension, int tokens, float[] out) {
        for (int i = 0; i < QUERIES; i++) {
            for (int d = 0; d < DIMENSIONS; d++) {
                float sum = 0;
                for (int t = 0; t < tokens; t++) {
                    float value = v[units[t / LANES] + t % LANES * rowLength + dimension + d];
                    sum = Math.fma(value, p[i * stride + t], sum);
                }
                out[i * DIMENSIONS + d] = sum;
            }
        }
    }
}

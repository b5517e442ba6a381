package dev.millrace.cpu.kernel;

import java.util.Arrays;

/** {@link RowKernel} without vector instructions. */
final class ScalarRowKernel implements RowKernel {

    private static final int LANES = Kernels.LANES;

    @Override
    public float sumOfSquares(float[] x, int offset, int n, float[] lanes) {
        Arrays.fill(lanes, 0, LANES, 0f);
        for (int i = 0; i < n; i++) {
            float value = x[offset + i];
            lanes[i % LANES] = Math.fma(value, value, lanes[i % LANES]);
        }
        return LaneSum.of(lanes);
    }

    @Override
    public void siluMultiply(float[] gateUp, int offset, float[] out, int outOffset) {
        for (int i = 0; i < LANES; i++) {
            out[outOffset + i] = FloatMath.silu(gateUp[offset + i]) * gateUp[offset + LANES + i];
        }
    }
}

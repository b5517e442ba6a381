package dev.millrace.cpu.kernel;

/** Loops over one row of activations. */
public interface RowKernel {

    /** Σ x² over {@code n} values, a multiple of 16, in 16 lanes. */
    float sumOfSquares(float[] x, int offset, int n, float[] lanes);

    /** out[16] ← silu(gate) · up; both are 16 values, {@code up} follows {@code gate}. */
    void siluMultiply(float[] gateUp, int offset, float[] out, int outOffset);
}

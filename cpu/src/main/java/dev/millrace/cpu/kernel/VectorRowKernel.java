package dev.millrace.cpu.kernel;

import static dev.millrace.cpu.kernel.VectorMath.FLOATS;
import static dev.millrace.cpu.kernel.VectorMath.WIDTH;

import jdk.incubator.vector.FloatVector;

/** {@link RowKernel} with vector instructions. */
final class VectorRowKernel implements RowKernel {

    @Override
    public float sumOfSquares(float[] x, int offset, int n, float[] lanes) {
        for (int lane = 0; lane < Kernels.LANES; lane += WIDTH) {
            FloatVector sum = FloatVector.zero(FLOATS);
            for (int i = lane; i < n; i += Kernels.LANES) {
                FloatVector value = FloatVector.fromArray(FLOATS, x, offset + i);
                sum = value.fma(value, sum);
            }
            sum.intoArray(lanes, lane);
        }
        return LaneSum.of(lanes);
    }

    @Override
    public void siluMultiply(float[] gateUp, int offset, float[] out, int outOffset) {
        VectorMath.exp(gateUp, offset, -1f, 0f, out, outOffset, Kernels.LANES);
        for (int lane = 0; lane < Kernels.LANES; lane += WIDTH) {
            FloatVector gate = FloatVector.fromArray(FLOATS, gateUp, offset + lane);
            FloatVector up = FloatVector.fromArray(FLOATS, gateUp, offset + Kernels.LANES + lane);
            FloatVector power = FloatVector.fromArray(FLOATS, out, outOffset + lane);
            gate.div(power.add(1f)).mul(up).intoArray(out, outOffset + lane);
        }
    }
}

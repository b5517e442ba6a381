package dev.millrace.cpu.operations;

import dev.millrace.cpu.kernel.FloatMath;
import dev.millrace.cpu.kernel.MatrixKernel;
import dev.millrace.cpu.kernel.RowKernel;
import dev.millrace.cpu.operations.Compute.Output;

/** What becomes of a product's 32 outputs while they are still in the nearest cache. */
final class Outputs {

    static final int PANEL = MatrixKernel.PANEL;

    private Outputs() {}

    /** to ← product. */
    static Output store(Activations to) {
        return store(to, 0);
    }

    /** to ← product, the first column in row {@code first}. */
    static Output store(Activations to, int first) {
        float[] values = to.values();
        return (product, offset, panel, column) ->
                System.arraycopy(product, offset, values, to.row(first + column) + panel * PANEL, PANEL);
    }

    /** to ← to + product. */
    static Output add(Activations to) {
        float[] values = to.values();
        return (product, offset, panel, column) -> {
            int start = to.row(column) + panel * PANEL;
            for (int i = 0; i < PANEL; i++) {
                values[start + i] += product[offset + i];
            }
        };
    }

    /** to ← silu(gate) · up, of products whose panels hold 16 gates and then 16 ups. */
    static Output siluMultiply(RowKernel kernel, Activations to) {
        float[] values = to.values();
        return (product, offset, panel, column) ->
                kernel.siluMultiply(product, offset, values, to.row(column) + panel * (PANEL / 2));
    }

    /** to ← gelu(product). */
    static Output gelu(Activations to) {
        float[] values = to.values();
        return (product, offset, panel, column) -> {
            int start = to.row(column) + panel * PANEL;
            for (int i = 0; i < PANEL; i++) {
                values[start + i] = FloatMath.gelu(product[offset + i]);
            }
        };
    }
}

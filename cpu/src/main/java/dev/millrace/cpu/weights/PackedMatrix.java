package dev.millrace.cpu.weights;

import dev.millrace.cpu.kernel.MatrixKernel;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.Tensor.Dtype;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * A weight matrix in the order in which {@link MatrixKernel} reads it: panels of 32 outputs, k-major within a panel. Outputs
 * are padded to a multiple of 32 and the inner dimension to a multiple of 64, with zeros.
 */
public final class PackedMatrix {

    private static final int PANEL = MatrixKernel.PANEL;
    private static final int HALF = PANEL / 2;
    private static final int INNER_MULTIPLE = 64;

    /** A row of a stored matrix. */
    public record Row(Tensor tensor, int index) {}

    private final int inner;
    private final int panels;
    private final int[] words; // bfloat16 pairs, or null
    private final float[] floats; // or null

    private PackedMatrix(int inner, int panels, boolean exact) {
        this.inner = inner;
        this.panels = panels;
        long words = (long) inner * panels * HALF * (exact ? 2 : 1);
        if (words > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("a weight matrix of " + panels * (long) PANEL + " x " + inner
                    + " values is more than one Java array holds");
        }
        this.words = exact ? null : new int[(int) words];
        this.floats = exact ? new float[(int) words] : null;
    }

    /**
     * Packs a matrix.
     *
     * @param outputs its outputs
     * @param inner its inner dimension
     * @param exact keeps 32 bits of each weight; else they are rounded to bfloat16
     * @param rows the stored row of each output; null makes it zero
     */
    public static PackedMatrix pack(int outputs, int inner, boolean exact, IntFunction<Row> rows) {
        PackedMatrix packed = new PackedMatrix(padInner(inner), (outputs + PANEL - 1) / PANEL, exact);
        IntStream.range(0, packed.panels).parallel().forEach(panel -> {
            float[] values = new float[inner];
            for (int output = panel * PANEL; output < Math.min(outputs, (panel + 1) * PANEL); output++) {
                Row row = rows.apply(output);
                if (row != null) {
                    TensorValues.read(row.tensor(), (long) row.index() * inner, values, inner);
                    packed.put(output, values);
                }
            }
        });
        return packed;
    }

    /** Packs a stored matrix as it is. */
    public static PackedMatrix pack(Tensor tensor, int outputs, int inner, boolean exact) {
        return pack(outputs, inner, exact && keepsBits(tensor), output -> new Row(tensor, output));
    }

    /** Whether a tensor's values need more than bfloat16. */
    public static boolean keepsBits(Tensor tensor) {
        return tensor.dtype() != Dtype.BF16;
    }

    /** An inner dimension as it is stored; activations' rows have this length, zeros at the end. */
    public static int padInner(int inner) {
        return (inner + INNER_MULTIPLE - 1) / INNER_MULTIPLE * INNER_MULTIPLE;
    }

    /** Outputs as they are computed. */
    public static int padOutputs(int outputs) {
        return (outputs + PANEL - 1) / PANEL * PANEL;
    }

    /** Padded inner dimension. */
    public int inner() {
        return inner;
    }

    public int panels() {
        return panels;
    }

    /** out[32] ← a panel's outputs for one column of {@code x}. */
    public void column(MatrixKernel kernel, int panel, float[] x, int column, float[] out) {
        if (words != null) {
            kernel.column(words, panel * inner * HALF, inner, x, column, out);
        } else {
            kernel.column(floats, panel * inner * PANEL, inner, x, column, out);
        }
    }

    /** out[8, 32] ← a panel's outputs for eight columns of {@code x}. */
    public void tile(MatrixKernel kernel, int panel, float[] x, int column, int stride, float[] out) {
        if (words != null) {
            kernel.tile(words, panel * inner * HALF, inner, x, column, stride, out);
        } else {
            kernel.tile(floats, panel * inner * PANEL, inner, x, column, stride, out);
        }
    }

    /** Copies an output's weights: a row of an embedding table. */
    public void row(int output, float[] out, int offset) {
        int panel = output / PANEL;
        int lane = output % PANEL;
        if (floats != null) {
            for (int k = 0; k < inner; k++) {
                out[offset + k] = floats[(panel * inner + k) * PANEL + lane];
            }
            return;
        }
        int shift = lane < HALF ? Short.SIZE : 0;
        int word = panel * inner * HALF + lane % HALF;
        for (int k = 0; k < inner; k++) {
            out[offset + k] = Float.intBitsToFloat(words[word + k * HALF] << shift & 0xFFFF0000);
        }
    }

    private void put(int output, float[] values) {
        int panel = output / PANEL;
        int lane = output % PANEL;
        if (floats != null) {
            for (int k = 0; k < values.length; k++) {
                floats[(panel * inner + k) * PANEL + lane] = values[k];
            }
            return;
        }
        int shift = lane < HALF ? 0 : Short.SIZE;
        int word = panel * inner * HALF + lane % HALF;
        for (int k = 0; k < values.length; k++) {
            words[word + k * HALF] |= TensorValues.bfloat16(values[k]) << shift;
        }
    }
}

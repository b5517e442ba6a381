package dev.millrace.cpu.weights;

import dev.millrace.cpu.weights.PackedMatrix.Row;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.WeightSource;

/** Turns stored weights into projections, several of them stacked or interleaved where one product serves them all. */
final class WeightLoader {

    private static final int GATE_LANES = 16;

    private final WeightSource source;
    private final boolean exact;

    /** @param exact keeps weights that are stored with more than 16 bits as they are */
    WeightLoader(WeightSource source, boolean exact) {
        this.source = source;
        this.exact = exact;
    }

    /** A norm's weights, with zeros up to the padded width. */
    float[] norm(String name, int width) {
        return TensorValues.vector(source.weight(name, width), PackedMatrix.padInner(width));
    }

    PackedMatrix matrix(String name, int outputs, int inner) {
        return PackedMatrix.pack(source.weight(name, outputs, inner), outputs, inner, exact);
    }

    /** The projection {@code name.weight}, with {@code name.bias} if there is one. */
    Linear linear(String name, int outputs, int inner, boolean biased) {
        float[] bias = new float[PackedMatrix.padOutputs(outputs)];
        if (biased) {
            copyBias(name, outputs, bias, 0);
        }
        return new Linear(matrix(name + ".weight", outputs, inner), bias);
    }

    /** A convolution whose kernel is as large as its step: a projection of flattened patches. */
    Linear convolution(String name, int outputs, int inner, long... shape) {
        PackedMatrix packed = PackedMatrix.pack(source.weight(name, shape), outputs, inner, exact);
        return new Linear(packed, new float[PackedMatrix.padOutputs(outputs)]);
    }

    /** Several biased projections of the same input, one's outputs after the other's. */
    Linear stacked(String[] names, int[] outputs, int inner) {
        int total = 0;
        for (int n : outputs) {
            total += n;
        }
        Row[] rows = new Row[total];
        float[] bias = new float[PackedMatrix.padOutputs(total)];
        boolean keep = false;
        int start = 0;
        for (int i = 0; i < names.length; i++) {
            Tensor weight = source.weight(names[i] + ".weight", outputs[i], inner);
            keep |= exact && PackedMatrix.keepsBits(weight);
            for (int n = 0; n < outputs[i]; n++) {
                rows[start + n] = new Row(weight, n);
            }
            copyBias(names[i], outputs[i], bias, start);
            start += outputs[i];
        }
        return new Linear(PackedMatrix.pack(total, inner, keep, n -> rows[n]), bias);
    }

    /** Gate and up projection in one: each panel holds 16 gates and the 16 ups that they multiply. */
    Linear gateUp(String prefix, int width, int inner, boolean biased) {
        Tensor gate = source.weight(prefix + ".gate_proj.weight", width, inner);
        Tensor up = source.weight(prefix + ".up_proj.weight", width, inner);
        int total = 2 * PackedMatrix.padInner(width);
        boolean keep = exact && (PackedMatrix.keepsBits(gate) || PackedMatrix.keepsBits(up));
        PackedMatrix matrix = PackedMatrix.pack(total, inner, keep, n -> {
            int row = gateUpRow(n);
            return row < width ? new Row(isGate(n) ? gate : up, row) : null;
        });
        float[] bias = new float[total];
        if (biased) {
            float[] gateBias = vector(prefix + ".gate_proj.bias", width);
            float[] upBias = vector(prefix + ".up_proj.bias", width);
            for (int n = 0; n < total; n++) {
                int row = gateUpRow(n);
                bias[n] = row < width ? (isGate(n) ? gateBias : upBias)[row] : 0;
            }
        }
        return new Linear(matrix, bias);
    }

    private static boolean isGate(int output) {
        return output / GATE_LANES % 2 == 0;
    }

    private static int gateUpRow(int output) {
        return output / (2 * GATE_LANES) * GATE_LANES + output % GATE_LANES;
    }

    private float[] vector(String name, int length) {
        return TensorValues.vector(source.weight(name, length), length);
    }

    private void copyBias(String name, int outputs, float[] bias, int start) {
        System.arraycopy(vector(name + ".bias", outputs), 0, bias, start, outputs);
    }
}

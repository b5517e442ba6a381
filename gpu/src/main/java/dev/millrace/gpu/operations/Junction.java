package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.kernel.RmsNorm;
import dev.millrace.gpu.weights.Matrix;

/** Where what a GPU computed of a layer, or of the logits, becomes the whole model's. */
public interface Junction {

    /** The two half-blocks of a layer that end in one, in turn. */
    enum Turn {
        ATTENTION,
        MLP
    }

    /** x[rows, stride] ← x + from·Wᵀ, summed over all GPUs that share the model. */
    void add(Turn turn, Matrix w, DeviceBuffer from, int rows, DeviceBuffer x, int stride);

    /** The same; then normed[rows, stride] ← norm of x with that weight. */
    void addAndNorm(
            Turn turn,
            Matrix w,
            DeviceBuffer from,
            int rows,
            DeviceBuffer x,
            int stride,
            DeviceBuffer weight,
            DeviceBuffer normed);

    /** logits fp32[rows, V] ← normed·headᵀ, of which each GPU computes its rows of the head. */
    void logits(Matrix head, DeviceBuffer normed, int rows, DeviceBuffer logits);

    /**
     * Of a GPU that has the whole model.
     *
     * @param logitsStride from one row of logits to the next
     */
    record Alone(Products products, Stream stream, RmsNorm norm, int hidden, int logitsStride) implements Junction {

        @Override
        public void add(Turn turn, Matrix w, DeviceBuffer from, int rows, DeviceBuffer x, int stride) {
            products.add(w, from, rows, x, stride);
        }

        @Override
        public void addAndNorm(
                Turn turn,
                Matrix w,
                DeviceBuffer from,
                int rows,
                DeviceBuffer x,
                int stride,
                DeviceBuffer weight,
                DeviceBuffer normed) {
            add(turn, w, from, rows, x, stride);
            norm.launch(stream, x, rows, weight, hidden, stride, normed);
        }

        @Override
        public void logits(Matrix head, DeviceBuffer normed, int rows, DeviceBuffer logits) {
            products.storeFloats(head, normed, rows, logits, logitsStride);
        }
    }
}

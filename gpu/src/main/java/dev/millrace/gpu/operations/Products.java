package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Blas;
import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.kernel.Derived;
import dev.millrace.gpu.kernel.HopperGate;
import dev.millrace.gpu.kernel.QkvRope;
import dev.millrace.gpu.kernel.SiluMul;
import dev.millrace.gpu.kernel.SkinnyMatrix;
import dev.millrace.gpu.kernel.SkinnyMatrix.Epilogue;
import dev.millrace.gpu.weights.Linear;
import dev.millrace.gpu.weights.Matrix;

/**
 * Products with weights on one stream: of a few bf16 tokens by our own kernels, which take the time of reading the weights,
 * of more by cuBLAS. Rows of x are as long as those of W; x and y have room for as many as {@link ProductRows} says.
 */
public final class Products {

    private final CacheShape shape;
    private final Type type;
    private final Stream stream;
    private final Blas blas;
    private final SkinnyMatrix skinny; // null in single precision
    private final HopperGate hopperGate; // null but on Hopper in bf16
    private final SiluMul siluMul;
    private final QkvRope qkvRope;

    /** @param blas of the same stream */
    Products(Device device, CacheShape shape, Stream stream, Blas blas) {
        this.shape = shape;
        type = shape.type();
        this.stream = stream;
        this.blas = blas;
        skinny = type == Type.BF16 ? new SkinnyMatrix(device) : null;
        hopperGate = HopperGate.isFor(device, type) ? new HopperGate(device) : null;
        siluMul = new SiluMul(device, type);
        qkvRope = new QkvRope(device, shape);
    }

    /** y[rows, yStride] ← x·Wᵀ. */
    void store(Matrix w, DeviceBuffer x, int rows, DeviceBuffer y, int yStride) {
        if (isSkinny(w, rows)) {
            skinny(Epilogue.STORE, w, x, rows, y, yStride);
        } else {
            blas(w, x, rows, y, type, yStride, 0);
        }
    }

    /** y fp32[rows, yStride] ← x·Wᵀ. */
    void storeFloats(Matrix w, DeviceBuffer x, int rows, DeviceBuffer y, int yStride) {
        if (isSkinny(w, rows)) {
            skinny(Epilogue.FLOAT, w, x, rows, y, yStride);
        } else {
            blas(w, x, rows, y, Type.F32, yStride, 0);
        }
    }

    /** y[rows, yStride] ← y + x·Wᵀ. */
    void add(Matrix w, DeviceBuffer x, int rows, DeviceBuffer y, int yStride) {
        if (isSkinny(w, rows)) {
            skinny(Epilogue.ADD, w, x, rows, y, yStride);
        } else {
            blas(w, x, rows, y, type, yStride, 1);
        }
    }

    /** f[rows, out/2] ← silu(first half of x·Wᵀ) · second half; {@code product} has room for x·Wᵀ. */
    void gate(Matrix w, DeviceBuffer x, int rows, DeviceBuffer product, DeviceBuffer f) {
        if (hopperGate != null && HopperGate.isFor(rows, w.out() / 2, w.stride())) {
            hopperGate.launch(stream, w.values(), w.out() / 2, w.stride(), x, rows, w.stride(), f);
        } else if (isSkinny(w, rows)) {
            skinny(Epilogue.SILU, w, x, rows, f, w.out() / 2);
        } else {
            blas(w, x, rows, product, type, w.out(), 0);
            siluMul.launch(stream, product, rows, w.out() / 2, f);
        }
    }

    /**
     * q[rows, Hq, hd] ← turned queries of x·Wᵀ + bias, keys and values to the layer's cache; {@code product} has room for
     * x·Wᵀ.
     */
    void heads(
            Linear qkv,
            DeviceBuffer x,
            int rows,
            Derived derived,
            DeviceBuffer product,
            DeviceBuffer q,
            DeviceBuffer cache) {
        Matrix w = qkv.weight();
        if (isSkinny(w, rows) && SkinnyMatrix.supports(shape)) {
            skinny.launchHeads(
                    stream, shape, w.values(), w.stride(), x, rows, w.stride(), qkv.bias(), derived, q, cache);
        } else {
            store(w, x, rows, product, w.out());
            qkvRope.launch(stream, product, rows, qkv.bias(), derived, q, cache);
        }
    }

    private boolean isSkinny(Matrix w, int rows) {
        return SkinnyMatrix.supports(type, rows, w.stride());
    }

    private void skinny(Epilogue epilogue, Matrix w, DeviceBuffer x, int rows, DeviceBuffer y, int yStride) {
        skinny.launch(stream, epilogue, w.values(), w.out(), w.stride(), x, rows, w.stride(), y, yStride);
    }

    private void blas(Matrix w, DeviceBuffer x, int rows, DeviceBuffer y, Type yType, int yStride, float beta) {
        int computed = ProductRows.atLeast(rows);
        blas.multiply(
                type, w.values(), w.out(), w.stride(), w.stride(), x, computed, w.stride(), y, yType, yStride, beta);
    }
}

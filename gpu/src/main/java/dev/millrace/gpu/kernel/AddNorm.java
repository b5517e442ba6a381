package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** Root mean square norm of a residual stream, which may receive a product and its bias before ({@code add_norm.cu}). */
public final class AddNorm {

    private static final int THREADS = 128;
    private static final int ROWS = 4;
    private static final long NONE = 0;

    private final Operation operation;
    private final Type type;
    private final float epsilon;
    private final int width;
    private final int stride;

    /**
     * @param width values of a row
     * @param stride values of a row with the zeros behind it, a multiple of 64
     */
    public AddNorm(Device device, Type type, double epsilon, int width, int stride) {
        operation = Operation.of(device, "add_norm", type);
        this.type = type;
        this.epsilon = (float) epsilon;
        this.width = width;
        this.stride = stride;
    }

    /** out[rows, stride] ← norm of v, zeros behind the width; weight fp32[width]. */
    public void launch(Stream stream, DeviceBuffer v, int rows, DeviceBuffer weight, DeviceBuffer out) {
        launch(stream, v, rows, NONE, NONE, weight, out);
    }

    /**
     * v[rows, stride] ← v + product + bias; out[rows, stride] ← norm of that sum, zeros behind the width.
     *
     * @param product c[rows, stride], may be {@code out}
     * @param bias fp32[width]
     * @param weight fp32[width]
     */
    public void launch(
            Stream stream,
            DeviceBuffer v,
            int rows,
            DeviceBuffer product,
            DeviceBuffer bias,
            DeviceBuffer weight,
            DeviceBuffer out) {
        requireRows(product, rows, "a product");
        Operation.requireBytes(bias, (long) width * Float.BYTES, "a bias");
        launch(stream, v, rows, product.address(), bias.address(), weight, out);
    }

    private void launch(
            Stream stream, DeviceBuffer v, int rows, long product, long bias, DeviceBuffer weight, DeviceBuffer out) {
        requireRows(v, rows, "a residual stream");
        Operation.requireBytes(weight, (long) width * Float.BYTES, "a norm's weight");
        requireRows(out, rows, "normed rows");
        operation
                .arguments()
                .pointer(v)
                .pointer(product)
                .pointer(bias)
                .pointer(weight)
                .floatValue(epsilon)
                .intValue(rows)
                .intValue(width)
                .intValue(stride)
                .pointer(out);
        operation.launch(stream, Grid.of(Operation.blocks(rows, ROWS), THREADS));
    }

    private void requireRows(DeviceBuffer buffer, int rows, String what) {
        Operation.requireBytes(buffer, (long) rows * stride * type.bytes(), what);
    }
}

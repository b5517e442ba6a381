package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** Root mean square norm of a residual stream that is still to receive a bias ({@code bias_norm.cu}). */
public final class BiasNorm {

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
    public BiasNorm(Device device, Type type, double epsilon, int width, int stride) {
        operation = Operation.of(device, "bias_norm", type);
        this.type = type;
        this.epsilon = (float) epsilon;
        this.width = width;
        this.stride = stride;
    }

    /**
     * v[rows, stride] ← v + bias; out[rows, stride] ← norm of v, zeros behind the width.
     *
     * @param bias fp32[width], or null: v stays as it is
     * @param weight fp32[width]
     */
    public void launch(
            Stream stream, DeviceBuffer v, int rows, DeviceBuffer bias, DeviceBuffer weight, DeviceBuffer out) {
        Operation.requireBytes(v, (long) rows * stride * type.bytes(), "a residual stream");
        Operation.requireBytes(weight, (long) width * Float.BYTES, "a norm's weight");
        Operation.requireBytes(out, (long) rows * stride * type.bytes(), "normed rows");
        if (bias != null) {
            Operation.requireBytes(bias, (long) width * Float.BYTES, "a bias");
        }
        operation
                .arguments()
                .pointer(v)
                .pointer(bias == null ? NONE : bias.address())
                .pointer(weight)
                .floatValue(epsilon)
                .intValue(rows)
                .intValue(width)
                .intValue(stride)
                .pointer(out);
        operation.launch(stream, Grid.of(Operation.blocks(rows, ROWS), THREADS));
    }
}

package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** Root mean square norm of rows ({@code rms_norm.cu}). */
public final class RmsNorm {

    private static final int THREADS = 256;
    private static final int RESIDENT = 4;
    private static final int ROW_MULTIPLE = 8;
    private static final long ALL_ROWS = 0;

    private final Operation operation;
    private final Type type;
    private final float epsilon;
    private final int mostBlocks;

    public RmsNorm(Device device, Type type, double epsilon) {
        operation = Operation.of(device, "rms_norm", type);
        this.type = type;
        this.epsilon = (float) epsilon;
        mostBlocks = RESIDENT * device.multiprocessors();
    }

    /** out[count, stride] ← norm of the first rows of x[·, stride], zeros behind {@code width}; weight fp32[width]. */
    public void launch(
            Stream stream, DeviceBuffer x, int count, DeviceBuffer weight, int width, int stride, DeviceBuffer out) {
        Operation.requireBytes(x, (long) count * stride * type.bytes(), "x");
        launch(stream, x, ALL_ROWS, count, weight, width, stride, out);
    }

    /** As the other, of the rows of x that {@code rows}, the address of count int32, names. */
    public void gather(
            Stream stream,
            DeviceBuffer x,
            long rows,
            int count,
            DeviceBuffer weight,
            int width,
            int stride,
            DeviceBuffer out) {
        launch(stream, x, rows, count, weight, width, stride, out);
    }

    private void launch(
            Stream stream,
            DeviceBuffer x,
            long rows,
            int count,
            DeviceBuffer weight,
            int width,
            int stride,
            DeviceBuffer out) {
        if (stride % ROW_MULTIPLE != 0) {
            throw new IllegalArgumentException(
                    "rows to be normed are " + stride + " values apart, which is no multiple of " + ROW_MULTIPLE);
        }
        Operation.requireBytes(weight, (long) width * Float.BYTES, "a norm's weight");
        Operation.requireBytes(out, (long) count * stride * type.bytes(), "normed rows");
        operation
                .arguments()
                .pointer(x)
                .pointer(rows)
                .intValue(count)
                .pointer(weight)
                .floatValue(epsilon)
                .intValue(width)
                .intValue(stride)
                .pointer(out);
        operation.launchOverlapping(stream, Grid.of(Math.min(count, mostBlocks), THREADS));
    }
}

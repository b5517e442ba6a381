package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import java.util.function.ToIntFunction;

/**
 * Allocates weights on the device, several of them stacked where one product serves them all, and has them filled. They
 * are there once {@link #finish} returned.
 */
public final class WeightLoader implements AutoCloseable {

    private final Device device;
    private final Type type;
    private final WeightFeed feed;
    private final Stream stream;

    /** @param type how matrices are kept; vectors are fp32 */
    public WeightLoader(Device device, Type type, WeightFeed feed) {
        this.device = device;
        this.type = type;
        this.feed = feed;
        stream = device.newStream();
    }

    /** Matrices of the same inner dimension, one's rows behind the other's. */
    public Matrix matrix(Part... parts) {
        int inner = parts[0].columns().count();
        int stride = Matrix.padded(inner);
        return new Matrix(stacked(type, stride, inner, parts), sum(Part::paddedRows, parts), inner, stride);
    }

    /** Vectors, one behind the other: fp32. */
    public DeviceBuffer vector(Part... parts) {
        return stacked(Type.F32, 1, 1, parts);
    }

    /** Waits for all that was asked for. */
    public void finish() {
        feed.finish();
    }

    @Override
    public void close() {
        stream.close();
    }

    private DeviceBuffer stacked(Type kept, int stride, int inner, Part... parts) {
        long rowBytes = (long) stride * kept.bytes();
        int rows = sum(Part::paddedRows, parts);
        DeviceBuffer values = device.allocate(rows * rowBytes, "weight " + parts[0].name());
        if (stride != inner || rows != sum(part -> part.rows().count(), parts)) {
            stream.fill(values, 0);
            stream.synchronize();
        }
        long start = 0;
        for (Part part : parts) {
            if (part.columns().count() != inner) {
                throw new IllegalArgumentException(
                        "weight " + part.name() + " has " + part.columns().count() + " values an output, not " + inner);
            }
            feed.fill(part, values.slice(start * rowBytes, part.rows().count() * rowBytes), kept, stride);
            start += part.paddedRows();
        }
        return values;
    }

    private static int sum(ToIntFunction<Part> rows, Part... parts) {
        int sum = 0;
        for (Part part : parts) {
            sum += rows.applyAsInt(part);
        }
        return sum;
    }
}

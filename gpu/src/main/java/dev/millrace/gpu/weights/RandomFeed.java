package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.RandomFill;

/**
 * Weights for {@code --load-format dummy}, made on the device, the same for a name in every run and sized so that
 * activations stay finite: a matrix is uniform with variance 1/fan-in, a norm's weight is one, a bias nought.
 */
public final class RandomFeed implements WeightFeed {

    private static final double UNIFORM_BOUND = Math.sqrt(3);

    private final Stream stream;
    private final RandomFill random;

    public RandomFeed(Device device) {
        stream = device.newStream();
        random = new RandomFill(device);
    }

    @Override
    public void fill(Part part, DeviceBuffer to, Type type, int stride) {
        if (part.shape().length > 1) {
            float bound = (float) (UNIFORM_BOUND / Math.sqrt(part.columns().of()));
            Span rows = part.rows();
            Span columns = part.columns();
            var window =
                    new RandomFill.Window(rows.first(), rows.count(), columns.first(), columns.count(), columns.of());
            random.uniform(stream, type, part.name().hashCode(), bound, window, stride, to);
        } else {
            random.constant(
                    stream,
                    type,
                    part.name().endsWith(".bias") ? 0 : 1,
                    part.rows().count(),
                    to);
        }
    }

    @Override
    public void finish() {
        stream.synchronize();
    }

    @Override
    public void close() {
        stream.close();
    }
}

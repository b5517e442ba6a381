package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import java.util.EnumMap;
import java.util.Map;

/** Values made on the device ({@code random_fill.cu}). */
public final class RandomFill {

    private static final int THREADS = 256;
    private static final int BLOCKS_A_MULTIPROCESSOR = 8;

    private final Map<Type, Operation> uniform = new EnumMap<>(Type.class);
    private final Map<Type, Operation> constant = new EnumMap<>(Type.class);
    private final int mostBlocks;

    public RandomFill(Device device) {
        for (Type type : Type.values()) {
            uniform.put(type, Operation.of(device, "random_fill", type));
            constant.put(type, new Operation(device, "random_fill", "fill" + Operation.suffix(type)));
        }
        mostBlocks = BLOCKS_A_MULTIPROCESSOR * device.multiprocessors();
    }

    /** Some rows of a matrix of {@code allColumns}, and some of their columns. */
    public record Window(long firstRow, long rows, long firstColumn, long columns, long allColumns) {}

    /** to[rows, stride] ← values between −bound and bound, the same for a seed; what lies behind {@code columns} stays. */
    public void uniform(
            Stream stream, Type type, long seed, float bound, long rows, long columns, long stride, DeviceBuffer to) {
        uniform(stream, type, seed, bound, new Window(0, rows, 0, columns, columns), stride, to);
    }

    /** As the other, the window's values of such a matrix. */
    public void uniform(Stream stream, Type type, long seed, float bound, Window window, long stride, DeviceBuffer to) {
        long values = ((window.rows() - 1) * stride + window.columns());
        Operation.requireBytes(to, values * type.bytes(), "random values");
        Operation operation = uniform.get(type);
        operation
                .arguments()
                .longValue(window.firstRow())
                .longValue(window.rows())
                .longValue(window.firstColumn())
                .longValue(window.columns())
                .longValue(window.allColumns())
                .longValue(stride)
                .longValue(seed)
                .floatValue(bound)
                .pointer(to);
        operation.launch(stream, grid((window.rows() * window.allColumns() + 3) / 4));
    }

    /** to[count] ← value. */
    public void constant(Stream stream, Type type, float value, long count, DeviceBuffer to) {
        Operation.requireBytes(to, count * type.bytes(), "equal values");
        Operation operation = constant.get(type);
        operation.arguments().longValue(count).floatValue(value).pointer(to);
        operation.launch(stream, grid(count));
    }

    private Grid grid(long threads) {
        return Grid.of((int) Math.min(mostBlocks, (threads + THREADS - 1) / THREADS), THREADS);
    }
}

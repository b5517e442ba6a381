package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import java.util.EnumMap;
import java.util.Map;

/** Values as a checkpoint stores them, to values as they are kept ({@code convert.cu}). Serves any number of threads. */
public final class Convert {

    private static final int THREADS = 256;
    private static final int MOST_ROWS = 1024;
    private static final int MOST_TILES = 64;
    private static final int MOST_BLOCKS = 4096;

    /** How values are stored. */
    public enum Stored {
        BF16("bf16", 2),
        F16("f16", 2),
        F32("f32", 4);

        private final String suffix;
        private final int bytes;

        Stored(String suffix, int bytes) {
            this.suffix = suffix;
            this.bytes = bytes;
        }
    }

    private final Map<Stored, Map<Type, Operation>> operations = new EnumMap<>(Stored.class);

    public Convert(Device device) {
        for (Stored stored : Stored.values()) {
            Map<Type, Operation> targets = new EnumMap<>(Type.class);
            for (Type type : Type.values()) {
                String function = "convert_" + stored.suffix + Operation.suffix(type);
                targets.put(type, new Operation(device, "convert", function));
            }
            operations.put(stored, targets);
        }
    }

    /** to[rows, stride] ← from[rows, columns]; what lies behind {@code columns} stays. */
    public synchronized void launch(
            Stream stream,
            Stored stored,
            DeviceBuffer from,
            long rows,
            long columns,
            Type type,
            long stride,
            DeviceBuffer to) {
        Operation.requireBytes(from, rows * columns * stored.bytes, "stored values");
        Operation.requireBytes(to, ((rows - 1) * stride + columns) * type.bytes(), "kept values");
        boolean contiguous = stride == columns;
        long lines = contiguous ? 1 : rows;
        long length = contiguous ? rows * columns : columns;
        Operation operation = operations.get(stored).get(type);
        operation
                .arguments()
                .pointer(from)
                .longValue(lines)
                .longValue(length)
                .longValue(stride)
                .pointer(to);
        int tiles = (int) Math.min(contiguous ? MOST_BLOCKS : MOST_TILES, (length + THREADS - 1) / THREADS);
        operation.launch(stream, Grid.of(tiles, (int) Math.min(lines, MOST_ROWS), THREADS));
    }
}

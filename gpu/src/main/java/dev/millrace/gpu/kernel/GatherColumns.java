package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.parallel.RankMemory;

/**
 * Brings rows together of which each rank computed some columns ({@code gather_columns.cu}), such as logits. All ranks launch
 * it, with the same numbers and in the same order.
 */
public final class GatherColumns {

    private static final int THREADS = 512;

    private final RankMemory memory;
    private final Operation operation;

    public GatherColumns(Device device, RankMemory memory) {
        this.memory = memory;
        operation = new Operation(device, "gather_columns", "gather_columns_f32");
    }

    /** The first of the columns that a rank computes; those of the rank behind the last begin at {@code width}. */
    public static int firstColumn(int width, int rank, int ranks) {
        return (int) ((long) width * rank / ranks);
    }

    /**
     * Fills in the other ranks' columns.
     *
     * @param y fp32[rows, width], at the same place of the shared memory on all ranks
     */
    public void launch(Stream stream, int rows, int width, DeviceBuffer y) {
        Operation.requireBytes(y, (long) rows * width * Float.BYTES, "rows of all ranks");
        AllReduce.arguments(operation, memory)
                .longValue(memory.offset(y))
                .intValue(rows)
                .intValue(width)
                .pointer(y);
        operation.launchOverlapping(stream, Grid.of(memory.blocks(), THREADS));
    }
}

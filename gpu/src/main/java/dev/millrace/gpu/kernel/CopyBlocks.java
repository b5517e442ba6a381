package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;

/** Copies blocks in all layers ({@code copy_blocks.cu}). */
public final class CopyBlocks {

    private static final int THREADS = 256;

    private final Operation operation;

    public CopyBlocks(Device device) {
        operation = new Operation(device, "copy_blocks", "copy_blocks");
    }

    /**
     * @param pairs address of int32[count, 2]: from, to
     * @param cache of all layers
     * @param blockBytes bytes of a block in one layer
     */
    public void launch(Stream stream, long pairs, int count, DeviceBuffer cache, int layers, long blockBytes) {
        operation
                .arguments()
                .pointer(pairs)
                .longValue(blockBytes)
                .longValue(cache.bytes() / layers)
                .pointer(cache);
        operation.launch(stream, Grid.of(count, layers, THREADS));
    }
}

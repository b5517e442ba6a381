package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.KernelArguments;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.parallel.RankMemory;

/**
 * Adds up what the ranks computed of the same values ({@code all_reduce.cu}). All ranks launch it, with the same numbers and
 * in the same order.
 */
public final class AllReduce {

    private static final int THREADS = 512;
    private static final int PACK_BYTES = 16;

    /** Above it every rank adds only its share, if that is less to read; vLLM's bound for up to four GPUs (not measured). */
    private static final long SCATTERED_BYTES = 512 << 10;

    private static final int TWO = 2; // ranks read as much in both forms

    private final Type type;
    private final RankMemory memory;
    private final long mostWhole;
    private final Operation whole;
    private final Operation scattered;

    public AllReduce(Device device, Type type, RankMemory memory) {
        this(device, type, memory, memory.ranks() > TWO ? SCATTERED_BYTES : Long.MAX_VALUE);
    }

    /** @param mostWhole bytes up to which each rank reads everything */
    AllReduce(Device device, Type type, RankMemory memory, long mostWhole) {
        this.type = type;
        this.memory = memory;
        this.mostWhole = mostWhole;
        whole = Operation.of(device, "all_reduce", type);
        scattered = new Operation(device, "all_reduce", "all_reduce_scattered" + Operation.suffix(type));
    }

    /**
     * x[count] ← x + Σ partial, the same bits on all ranks.
     *
     * @param partial this rank's, at the same place of the shared memory on all; gone afterwards, and to be written again only
     *     behind the next launch, which has another place
     * @param count a multiple of 16 bytes of values
     * @param x the same on all ranks
     */
    public void launch(Stream stream, DeviceBuffer partial, long count, DeviceBuffer x) {
        long bytes = count * type.bytes();
        if (bytes % PACK_BYTES != 0) {
            throw new IllegalArgumentException(
                    "%d values of ranks are no multiple of %d bytes".formatted(count, PACK_BYTES));
        }
        Operation.requireBytes(partial, bytes, "values of a rank");
        Operation.requireBytes(x, bytes, "values of all ranks");
        long packs = bytes / PACK_BYTES;
        boolean scatters = bytes > mostWhole;
        Operation operation = scatters ? scattered : whole;
        arguments(operation, memory)
                .longValue(memory.offset(partial))
                .longValue(packs)
                .pointer(x);
        int blocks = Operation.blocks(packs, scatters ? THREADS * memory.ranks() : THREADS);
        operation.launchOverlapping(stream, Grid.of(Math.min(memory.blocks(), blocks), THREADS));
    }

    static KernelArguments arguments(Operation operation, RankMemory memory) {
        return operation
                .arguments()
                .pointer(memory.all())
                .intValue(memory.rank())
                .intValue(memory.ranks())
                .longValue(memory.stop().patienceNanos())
                .pointer(memory.stop().address());
    }
}

package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.KernelArguments;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.parallel.RankMemory;
import java.util.EnumMap;
import java.util.Map;

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

    /** How ranks come by each other's values. */
    enum Form {
        WHOLE,
        SCATTERED
    }

    private final Type type;
    private final RankMemory memory;
    private final Map<Form, Operation> operations = new EnumMap<>(Form.class);

    public AllReduce(Device device, Type type, RankMemory memory) {
        this.type = type;
        this.memory = memory;
        operations.put(Form.WHOLE, Operation.of(device, "all_reduce", type));
        operations.put(
                Form.SCATTERED, new Operation(device, "all_reduce", "all_reduce_scattered" + Operation.suffix(type)));
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
        launch(form(count * type.bytes()), stream, partial, count, x);
    }

    private Form form(long bytes) {
        return memory.ranks() == TWO || bytes <= SCATTERED_BYTES ? Form.WHOLE : Form.SCATTERED;
    }

    /** The same in a form that all ranks chose. */
    void launch(Form form, Stream stream, DeviceBuffer partial, long count, DeviceBuffer x) {
        long bytes = count * type.bytes();
        if (bytes % PACK_BYTES != 0) {
            throw new IllegalArgumentException(
                    "%d values of ranks are no multiple of %d bytes".formatted(count, PACK_BYTES));
        }
        Operation.requireBytes(partial, bytes, "values of a rank");
        Operation.requireBytes(x, bytes, "values of all ranks");
        long packs = bytes / PACK_BYTES;
        Operation operation = operations.get(form);
        arguments(operation, memory)
                .longValue(memory.offset(partial))
                .longValue(packs)
                .pointer(x);
        int blocks = Operation.blocks(packs, form == Form.SCATTERED ? THREADS * memory.ranks() : THREADS);
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

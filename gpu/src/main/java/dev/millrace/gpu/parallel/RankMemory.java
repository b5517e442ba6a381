package dev.millrace.gpu.parallel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import java.util.ArrayList;
import java.util.List;

/**
 * One rank's device memory that the kernels of all ranks reach. It begins with the table and the inbox that
 * {@code ranks.cuh} describes; the room behind is as large on every rank, and an offset in it means the same on each.
 *
 * @param ranks how many GPUs share the model
 * @param blocks most that a kernel in which ranks wait for each other has, so that all are resident on every rank
 * @param stop one for all ranks
 */
public record RankMemory(int rank, int ranks, int blocks, DeviceBuffer all, StopWord stop) {

    /** As {@code ranks.cuh} has them. */
    public static final int MOST_RANKS = 8;

    private static final int MOST_BLOCKS = 64;

    private static final long ADDRESSES = (long) MOST_BLOCKS * MOST_RANKS * Integer.BYTES + MOST_BLOCKS * Integer.BYTES;
    private static final long TABLE = 4096;

    private static final long LETTERS = (1L << 16) * 32; // bytes of an inbox from one rank, in one of two epochs
    private static final int EPOCHS = 2;

    /**
     * Lets the devices reach each other and takes as much memory on each. Kernels do not wait for each other yet, so that
     * each rank can try all of its work by itself. Binds the calling thread to the first device.
     *
     * @param bytes of the room
     * @param patienceNanos how long a rank waits for the others before all give up
     * @throws dev.millrace.gpu.device.GpuUnavailableException if two devices cannot reach each other
     */
    public static List<RankMemory> allocate(List<Device> devices, long bytes, long patienceNanos) {
        if (devices.size() > MOST_RANKS) {
            throw new IllegalArgumentException(
                    "a model is spread over at most %d GPUs, not %d".formatted(MOST_RANKS, devices.size()));
        }
        devices.get(0).bindThread();
        var stop = new StopWord(devices.get(0), patienceNanos);
        int blocks = devices.stream().mapToInt(Device::multiprocessors).reduce(MOST_BLOCKS, Math::min);
        List<RankMemory> memories = new ArrayList<>();
        for (Device device : devices) {
            connect(device, devices);
            DeviceBuffer all = device.allocate(front(devices.size()) + bytes, "memory shared by ranks");
            memories.add(new RankMemory(memories.size(), devices.size(), blocks, all, stop));
        }
        for (RankMemory memory : memories) {
            Device device = devices.get(memory.rank());
            device.bindThread();
            memory.writeTable(device, memories);
        }
        devices.get(0).bindThread();
        return List.copyOf(memories);
    }

    /** From here on ranks wait for each other; none has work in flight. Binds the calling thread to the first device. */
    public static void begin(List<Device> devices, List<RankMemory> memories) {
        for (RankMemory memory : memories) {
            Device device = devices.get(memory.rank());
            device.bindThread();
            try (Stream stream = device.newStream()) {
                stream.fill(memory.all.slice(0, ADDRESSES), 0);
                stream.fill(memory.inbox(), 0);
                stream.synchronize();
            }
        }
        devices.get(0).bindThread();
        memories.get(0).stop.begin();
    }

    private static void connect(Device device, List<Device> devices) {
        device.bindThread();
        for (Device peer : devices) {
            if (peer != device) {
                device.enableAccess(peer);
            }
        }
    }

    private void writeTable(Device device, List<RankMemory> memories) {
        try (PinnedBuffer staging = device.allocatePinned((long) MOST_RANKS * Long.BYTES, "addresses of ranks");
                Stream stream = device.newStream()) {
            memories.forEach(memory -> staging.bytes().putLong(memory.rank() * Long.BYTES, memory.all.address()));
            stream.fill(all.slice(0, TABLE), 0);
            stream.copyToDevice(all, ADDRESSES, staging, 0, staging.size());
            stream.synchronize();
        }
    }

    /** Bytes before the room. */
    private static long front(int ranks) {
        return TABLE + EPOCHS * ranks * LETTERS;
    }

    private DeviceBuffer inbox() {
        return all.slice(TABLE, front(ranks) - TABLE);
    }

    /** What callers may use as they like, as long as all ranks use it alike. */
    public DeviceBuffer room() {
        return all.slice(front(ranks), all.bytes() - front(ranks));
    }

    /** Where a buffer of the room lies on every rank. */
    public long offset(DeviceBuffer of) {
        long offset = of.address() - all.address();
        if (offset < front(ranks) || offset > all.bytes() - of.bytes()) {
            throw new IllegalArgumentException(of + " is not in " + all);
        }
        return offset;
    }
}

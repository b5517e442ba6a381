package dev.millrace.gpu.step;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import java.nio.IntBuffer;

/**
 * The block table of each row, int32[rows+1, length], on the device, and what it will be once all launched steps are done,
 * on the host. The row behind the last is that of sequences without meaning and holds null blocks.
 */
final class BlockTables {

    private final DeviceBuffer device;
    private final PinnedBuffer pinned;
    private final IntBuffer host;
    private final int length;

    BlockTables(Device device, int rows, int length) {
        long bytes = (rows + 1L) * length * Integer.BYTES;
        this.length = length;
        this.device = device.allocate(bytes, "block tables");
        pinned = device.allocatePinned(bytes, "block tables");
        host = pinned.bytes().asIntBuffer();
        host.put(0, new int[host.capacity()]);
        try (Stream stream = device.newStream()) {
            stream.fill(this.device, 0);
            stream.synchronize();
        }
    }

    DeviceBuffer device() {
        return device;
    }

    int length() {
        return length;
    }

    /** Applies changes in order; the result holds the entries' last blocks, so that its own order means nothing. */
    int[] apply(int[] updates) {
        if (updates.length == 0) {
            return updates;
        }
        for (int i = 0; i < updates.length; i += 3) {
            host.put(updates[i] * length + updates[i + 1], updates[i + 2]);
        }
        int[] last = updates.clone();
        for (int i = 0; i < last.length; i += 3) {
            last[i + 2] = host.get(last[i] * length + last[i + 1]);
        }
        return last;
    }

    /** Copies all tables and waits, because the next step changes the host's. */
    void copyAll(Stream stream) {
        stream.copyToDevice(device, 0, pinned, 0, device.bytes());
        stream.synchronize();
    }
}

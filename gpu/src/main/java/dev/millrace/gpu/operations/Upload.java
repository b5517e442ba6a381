package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.model.executor.MediaInput;
import java.nio.IntBuffer;
import java.util.List;

/**
 * Brings media to the device on a stream of its own, through pinned chunks by turns: one is filled while the other is on the
 * bus. For one thread.
 */
final class Upload {

    /** Large, because the threads that fill a chunk together are woken for each: 0.25 ms on an H200's host. */
    private static final int CHUNK_BYTES = 32 << 20;

    private static final int CHUNKS = 2;

    private final Stream stream;
    private final Chunk[] ring = new Chunk[CHUNKS];
    private int next;

    private record Chunk(PinnedBuffer memory, IntBuffer ints, Event copied) {}

    Upload(Device device) {
        stream = device.newStream();
        for (int i = 0; i < CHUNKS; i++) {
            PinnedBuffer memory = device.allocatePinned(CHUNK_BYTES, "staging of media");
            ring[i] = new Chunk(memory, memory.bytes().asIntBuffer(), device.newEvent());
        }
    }

    void ints(int[] source, DeviceBuffer to) {
        int atOnce = CHUNK_BYTES / Integer.BYTES;
        for (int from = 0; from < source.length; from += atOnce) {
            int count = Math.min(atOnce, source.length - from);
            Chunk chunk = free();
            chunk.ints.put(0, source, from, count);
            copy(chunk, to, (long) from * Integer.BYTES, (long) count * Integer.BYTES);
        }
    }

    /** The patches of all items, as the rows are written. */
    void patches(PatchRows rows, VisionPlans plans, List<MediaInput> items, DeviceBuffer to) {
        int atOnce = CHUNK_BYTES / rows.unitBytes();
        int units = plans.order().length;
        for (int first = 0; first < units; first += atOnce) {
            int count = Math.min(atOnce, units - first);
            Chunk chunk = free();
            rows.write(plans, items, first, count, chunk.memory.bytes());
            copy(chunk, to, (long) first * rows.unitBytes(), (long) count * rows.unitBytes());
        }
    }

    /** Waits until all is there. */
    void synchronize() {
        stream.synchronize();
    }

    private Chunk free() {
        Chunk chunk = ring[next];
        next = (next + 1) % CHUNKS;
        chunk.copied.synchronize();
        return chunk;
    }

    private void copy(Chunk chunk, DeviceBuffer to, long offset, long bytes) {
        stream.copyToDevice(to, offset, chunk.memory, 0, bytes);
        stream.record(chunk.copied);
    }
}

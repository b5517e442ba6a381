package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.stream.IntStream;

/**
 * Copies arrays to the device through a ring of pinned chunks, in the stream's order. The caller may run ahead of the
 * stream by the whole ring; then it waits.
 */
final class Upload {

    /** Values that one thread copies at a time; several share a chunk. */
    private static final int BLOCK = 1 << 18;

    private final Stream stream;
    private final int chunkBytes;
    private final Chunk[] ring;
    private int next;

    private record Chunk(PinnedBuffer memory, IntBuffer ints, FloatBuffer floats, Event copied) {}

    /** @param chunkBytes a multiple of 4 */
    Upload(Device device, Stream stream, int chunkBytes, int chunks) {
        this.stream = stream;
        this.chunkBytes = chunkBytes;
        ring = new Chunk[chunks];
        for (int i = 0; i < chunks; i++) {
            PinnedBuffer memory = device.allocatePinned(chunkBytes, "staging of media");
            ring[i] = new Chunk(
                    memory, memory.bytes().asIntBuffer(), memory.bytes().asFloatBuffer(), device.newEvent());
        }
    }

    /** Values that one chunk holds. */
    int values() {
        return chunkBytes / Integer.BYTES;
    }

    void ints(int[] source, DeviceBuffer to) {
        for (int from = 0; from < source.length; from += values()) {
            int count = Math.min(values(), source.length - from);
            Chunk chunk = free();
            chunk.ints.put(0, source, from, count);
            copy(chunk, to, (long) from * Integer.BYTES, count);
        }
    }

    /** Copies at most {@link #values} of the source, from one on, to the beginning of {@code to}. */
    void floats(float[] source, int from, int count, DeviceBuffer to) {
        Chunk chunk = free();
        IntStream.range(0, blocks(count)).parallel().forEach(block -> {
            int at = block * BLOCK;
            chunk.floats.put(at, source, from + at, Math.min(BLOCK, count - at));
        });
        copy(chunk, to, 0, count);
    }

    private static int blocks(int count) {
        return (count + BLOCK - 1) / BLOCK;
    }

    private Chunk free() {
        Chunk chunk = ring[next];
        next = (next + 1) % ring.length;
        chunk.copied.synchronize();
        return chunk;
    }

    private void copy(Chunk chunk, DeviceBuffer to, long offset, int count) {
        stream.copyToDevice(to, offset, chunk.memory, 0, (long) count * Integer.BYTES);
        stream.record(chunk.copied);
    }
}

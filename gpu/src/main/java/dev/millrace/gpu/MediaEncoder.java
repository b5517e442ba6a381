package dev.millrace.gpu;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * Media on their way into the media buffer, on a thread and a stream of low priority of their own: a step waits for them
 * only if it reads the buffer, so that others go on while a large picture is encoded. Called by one thread.
 */
final class MediaEncoder implements AutoCloseable {

    private final Device device;
    private final DeviceBuffer buffer;
    private final Type type;
    private final int width;
    private final Consumer<List<MediaInput>> tower;
    private final Stream stream;
    private final Event encoded;
    private final Event read;
    private final ExecutorService thread;
    private CompletableFuture<Void> queued = CompletableFuture.completedFuture(null); // all encoding so far

    /**
     * @param buffer c[rows, width]
     * @param stream of the tower
     * @param tower queues its work for some media
     */
    MediaEncoder(
            Device device, DeviceBuffer buffer, Type type, int width, Stream stream, Consumer<List<MediaInput>> tower) {
        this.device = device;
        this.buffer = buffer;
        this.type = type;
        this.width = width;
        this.tower = tower;
        this.stream = stream;
        encoded = device.newEvent();
        read = device.newEvent();
        thread = Executors.newSingleThreadExecutor(work -> {
            Thread media = new Thread(work, "millrace-gpu-media");
            media.setDaemon(true);
            return media;
        });
        thread.execute(device::bindThread);
    }

    /** Begins to encode a step's media; the step waits for all media so far if it reads any. */
    void encode(ForwardBatch batch, Stream text) {
        if (!batch.encode().isEmpty()) {
            queued = queued.thenRunAsync(() -> encode(batch.encode()), thread);
        }
        if (reads(batch)) {
            join();
            text.waitFor(encoded);
        }
    }

    /** Rows that a step reads are not replaced before it did: no later step that reads comes before this is queued. */
    private void encode(List<MediaInput> inputs) {
        stream.waitFor(read);
        tower.accept(inputs);
        stream.record(encoded);
    }

    /** Notes that the step's reading of the buffer is queued. */
    void release(ForwardBatch batch, Stream text) {
        if (reads(batch)) {
            text.record(read);
        }
    }

    /** Rows of the buffer, once what was begun is done. */
    float[] read(int[] wanted) {
        synchronize();
        float[] values = new float[wanted.length * width];
        int rowBytes = width * type.bytes();
        try (PinnedBuffer staging = device.allocatePinned(rowBytes, "a row of media")) {
            ByteBuffer bytes = staging.bytes();
            for (int i = 0; i < wanted.length; i++) {
                stream.copyToHost(staging, 0, buffer, (long) wanted[i] * rowBytes, rowBytes);
                stream.synchronize();
                for (int d = 0; d < width; d++) {
                    values[i * width + d] = switch (type) {
                        case BF16 -> Float.intBitsToFloat(bytes.getShort(d * type.bytes()) << Short.SIZE);
                        case F32 -> bytes.getFloat(d * type.bytes());
                    };
                }
            }
        }
        return values;
    }

    /** Waits for everything; a failure of any of it comes out here. */
    void synchronize() {
        join();
        stream.synchronize();
    }

    private void join() {
        try {
            queued.join();
        } catch (CompletionException e) {
            throw new IllegalStateException(
                    "media could not be encoded: " + e.getCause().getMessage(), e.getCause());
        }
    }

    private static boolean reads(ForwardBatch batch) {
        for (int row : batch.mediaRow()) {
            if (row >= 0) {
                return true;
            }
        }
        return false;
    }

    /** Waits for what is being queued. */
    @Override
    public void close() {
        thread.shutdown();
        queued.handle((done, failure) -> failure).join();
    }
}

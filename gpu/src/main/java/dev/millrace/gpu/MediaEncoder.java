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
import java.util.function.Consumer;

/**
 * Media on their way into the media buffer, on a stream of low priority of their own. Steps do not wait for them: one that
 * reads a row is launched after the row was reported. For one thread, but for {@link #release}.
 */
final class MediaEncoder {

    private final Device device;
    private final DeviceBuffer buffer;
    private final Type type;
    private final int width;
    private final Consumer<List<MediaInput>> tower;
    private final Stream stream;
    private final Event read;

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
        read = device.newEvent();
    }

    /** Encodes media and waits for it. Rows that a step launched before reads are not replaced before it did. */
    void encode(List<MediaInput> media) {
        stream.waitFor(read);
        tower.accept(media);
        stream.synchronize();
    }

    /** Notes that the step's reading of the buffer is queued; on the thread that launches steps. */
    void release(ForwardBatch batch, Stream text) {
        if (reads(batch)) {
            text.record(read);
        }
    }

    /** Rows of the buffer. */
    float[] read(int[] wanted) {
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

    private static boolean reads(ForwardBatch batch) {
        for (int row : batch.mediaRow()) {
            if (row >= 0) {
                return true;
            }
        }
        return false;
    }
}

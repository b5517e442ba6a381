package dev.millrace.gpu;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.operations.GpuVisionOperations;
import dev.millrace.gpu.operations.Slice;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.Probe;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Media on their way into the media buffer: brought to the device by one thread, encoded by the one that launches steps. */
final class MediaEncoder {

    private final StepLimits limits;
    private final DeviceBuffer buffer;
    private final Type type;
    private final int width;
    private final Stream stream;
    private final Probing forward;
    private final GpuVisionOperations tower; // null for a text model

    /**
     * @param buffer c[rows, width]
     * @param stream of the steps
     * @param tower null for a text model
     */
    MediaEncoder(
            StepLimits limits,
            DeviceBuffer buffer,
            Type type,
            int width,
            Stream stream,
            Probing forward,
            GpuVisionOperations tower) {
        this.limits = limits;
        this.buffer = buffer;
        this.type = type;
        this.width = width;
        this.stream = stream;
        this.forward = forward;
        this.tower = tower;
    }

    /**
     * Brings media to the device and waits for that. For a text model no batch is allowed.
     *
     * @return what encodes them, launched in this order
     * @throws IllegalArgumentException if it asks for what is not there
     */
    List<Slice> prepare(EncoderBatch batch) {
        limits.check(batch);
        tower.bind(batch.media());
        forward.encode(tower);
        return tower.takeSlices();
    }

    /** Queues the copying of what another GPU has encoded, from the same rows of its buffer. */
    void copy(MediaEncoder other, List<MediaInput> media) {
        long rowBytes = (long) width * type.bytes();
        for (MediaInput input : media) {
            int[] rows = input.rows();
            for (int begin = 0, end = 0; begin < rows.length; begin = end) {
                do {
                    end++;
                } while (end < rows.length && rows[end] == rows[end - 1] + 1);
                long offset = rows[begin] * rowBytes;
                stream.copy(buffer, offset, other.buffer, offset, (end - begin) * rowBytes);
            }
        }
    }

    /** Does every product of the tower once, if there is a tower. */
    void rehearse() {
        if (tower != null) {
            tower.rehearse();
        }
    }

    /** Shows the probe all that is prepared from now on; null: no longer. */
    void probe(Probe probe) {
        forward.show(probe);
    }

    /** Rows of the buffer, once all that was launched is done. */
    float[] read(int[] wanted) {
        float[] values = new float[wanted.length * width];
        int rowBytes = width * type.bytes();
        ByteBuffer row = ByteBuffer.allocateDirect(rowBytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < wanted.length; i++) {
            stream.copyToHost(row, buffer, (long) wanted[i] * rowBytes, rowBytes);
            for (int d = 0; d < width; d++) {
                values[i * width + d] = switch (type) {
                    case BF16 -> Float.intBitsToFloat(row.getShort(d * type.bytes()) << Short.SIZE);
                    case F32 -> row.getFloat(d * type.bytes());
                };
            }
        }
        return values;
    }
}

package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** Embeddings into their rows of the media buffer ({@code scatter_media.cu}). */
public final class ScatterMedia {

    private static final int THREADS = 256;

    private final Operation operation;
    private final Type type;

    public ScatterMedia(Device device, Type type) {
        operation = Operation.of(device, "scatter_media", type);
        this.type = type;
    }

    /**
     * media[rows[i], width] ← from[i] + bias.
     *
     * @param from c[count, width]
     * @param bias fp32[width]
     * @param rows int32[count], all different
     */
    public void launch(
            Stream stream,
            DeviceBuffer from,
            int count,
            DeviceBuffer bias,
            DeviceBuffer rows,
            int width,
            DeviceBuffer media) {
        Operation.requireBytes(from, (long) count * width * type.bytes(), "embeddings");
        Operation.requireBytes(bias, (long) width * Float.BYTES, "a bias");
        Operation.requireBytes(rows, (long) count * Integer.BYTES, "rows of embeddings");
        operation
                .arguments()
                .pointer(from)
                .pointer(bias)
                .pointer(rows)
                .intValue(width)
                .pointer(media);
        operation.launch(stream, Grid.of(count, THREADS));
    }
}

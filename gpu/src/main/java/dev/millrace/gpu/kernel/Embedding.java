package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.device.Type;

/** Rows of the embedding table, or of the media buffer ({@code embed.cu}). */
public final class Embedding {

    private static final int THREADS = 128;

    private final Operation operation;
    private final Type type;

    public Embedding(Device device, Type type) {
        operation = Operation.of(device, "embed", type);
        this.type = type;
    }

    /**
     * x[tokens, stride] ← embeddings, zeros behind {@code width}.
     *
     * @param tokenIds int32[tokens]
     * @param mediaRow address of int32[tokens], −1 where the token's own embedding is meant
     * @param table c[V, stride]
     * @param media c[M, width]
     */
    public void launch(
            Stream stream,
            DeviceBuffer tokenIds,
            long mediaRow,
            int tokens,
            DeviceBuffer table,
            DeviceBuffer media,
            int width,
            int stride,
            DeviceBuffer x) {
        Operation.requireBytes(x, (long) tokens * stride * type.bytes(), "embedded tokens");
        operation
                .arguments()
                .pointer(tokenIds)
                .pointer(mediaRow)
                .pointer(table)
                .pointer(media)
                .intValue(width)
                .intValue(stride)
                .pointer(x);
        operation.launch(stream, Grid.of(tokens, THREADS));
    }
}

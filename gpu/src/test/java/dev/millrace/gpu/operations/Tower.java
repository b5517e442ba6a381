package dev.millrace.gpu.operations;

import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.weights.StreamedFeed;
import dev.millrace.gpu.weights.VisionWeights;
import dev.millrace.gpu.weights.WeightLoader;
import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.forward.Qwen25Vl;
import dev.millrace.model.media.MediaItem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** A tower on a device with weights and a small media buffer, whose rows are given out in disorder. */
final class Tower implements AutoCloseable {

    private static final long BLAS_WORKSPACE = 32 << 20;
    private static final int MEDIA_ROWS = 600;

    private final TestDevice test = new TestDevice();
    private final VisionConfig config;
    private final Type type;
    private final DeviceBuffer media;
    private final GpuVisionOperations operations;
    private final Qwen25Vl forward;

    /** @param source is closed, once it was read */
    Tower(VisionConfig config, Type type, WeightSource source, int mostPatches) {
        this.config = config;
        this.type = type;
        VisionWeights weights;
        try (StreamedFeed feed = new StreamedFeed(test.device(), source);
                WeightLoader loader = new WeightLoader(test.device(), type, feed)) {
            weights = VisionWeights.load(loader, config);
            loader.finish();
        }
        media = test.poisoned(type, (long) MEDIA_ROWS * config.outHiddenSize());
        DeviceBuffer memory = test.poisoned(Type.F32, GpuVisionOperations.bytes(config, type, mostPatches) / 4);
        operations = new GpuVisionOperations(
                test.device(),
                config,
                type,
                weights,
                test.stream(),
                test.device().newBlas(test.stream(), test.device().allocate(BLAS_WORKSPACE, "cuBLAS")),
                memory.slice(0, GpuVisionOperations.bytes(config, type, mostPatches)),
                mostPatches,
                media);
        forward = new Qwen25Vl(0, config.depth(), config.fullAttentionBlocks());
    }

    /** Embeddings [tokens, D] of items that go through the tower together. */
    float[] encode(MediaItem... items) {
        return encode(Slice::launch, items);
    }

    /** The same with every slice launched piece by piece. */
    float[] encodeInPieces(MediaItem... items) {
        return encode(
                slice -> IntStream.range(0, slice.pieces())
                        .forEach(piece -> slice.launcher().launch(piece, 1)),
                items);
    }

    private float[] encode(Consumer<Slice> launch, MediaItem... items) {
        int rows = MEDIA_ROWS;
        List<MediaInput> inputs = new ArrayList<>();
        for (MediaItem item : items) {
            int[] own = new int[item.numTokens()];
            for (int i = 0; i < own.length; i++) {
                own[i] = --rows;
            }
            inputs.add(new MediaInput(item, own));
        }
        operations.bind(inputs);
        forward.encode(operations);
        operations.takeSlices().forEach(launch);
        float[] all = test.read(type, media);
        int width = config.outHiddenSize();
        float[] out = new float[(MEDIA_ROWS - rows) * width];
        for (int i = 0; i < MEDIA_ROWS - rows; i++) {
            System.arraycopy(all, (MEDIA_ROWS - 1 - i) * width, out, i * width, width);
        }
        return out;
    }

    /** The same of each item alone. */
    float[] encodeOneByOne(MediaItem... items) {
        float[] out = {};
        for (MediaItem item : items) {
            float[] next = encode(item);
            out = Arrays.copyOf(out, out.length + next.length);
            System.arraycopy(next, 0, out, out.length - next.length, next.length);
        }
        return out;
    }

    @Override
    public void close() {
        test.close();
    }
}

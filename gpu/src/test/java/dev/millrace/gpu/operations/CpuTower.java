package dev.millrace.gpu.operations;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.cpu.operations.Compute;
import dev.millrace.cpu.operations.CpuVisionOperations;
import dev.millrace.cpu.operations.MediaBuffer;
import dev.millrace.cpu.parallel.ThreadTeam;
import dev.millrace.cpu.weights.VisionWeights;
import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.forward.Qwen25Vl;
import dev.millrace.model.media.MediaItem;
import java.util.stream.IntStream;

/** What the CPU makes of an item, with weights as they are stored and fp32 arithmetic. */
final class CpuTower {

    private CpuTower() {}

    /**
     * Embeddings [tokens, D] of items, one after the other.
     *
     * @param source is closed, once it was read
     */
    static double[] encode(VisionConfig config, WeightSource source, MediaItem... items) {
        int tokens = 0;
        for (MediaItem item : items) {
            tokens += item.numTokens();
        }
        int width = config.outHiddenSize();
        MediaBuffer media = new MediaBuffer(tokens, width, (width + 63) / 64 * 64);
        try (source;
                ThreadTeam team = new ThreadTeam(2)) {
            CpuVisionOperations operations = new CpuVisionOperations(
                    config, VisionWeights.load(source, config, true), new Compute(Kernels.choose(true), team), media);
            Qwen25Vl forward = new Qwen25Vl(0, config.depth(), config.fullAttentionBlocks());
            int row = 0;
            for (MediaItem item : items) {
                int[] rows = IntStream.range(row, row + item.numTokens()).toArray();
                operations.bind(new MediaInput(item, rows));
                forward.encode(operations);
                row += item.numTokens();
            }
        }
        float[] values = media.read(IntStream.range(0, tokens).toArray());
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }
}

package dev.millrace.cpu.weights;

import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import java.util.ArrayList;
import java.util.List;

/** The vision tower's weights. */
public record VisionWeights(Linear patchEmbed, List<Block> blocks, float[] mergeNorm, Linear mergeIn, Linear mergeOut) {

    /**
     * One block.
     *
     * @param qkv queries, keys and values, one after the other
     * @param gateUp 16 gates, 16 ups, in turn
     */
    public record Block(
            float[] attentionNorm, Linear qkv, Linear output, float[] mlpNorm, Linear gateUp, Linear down) {}

    /** Loads a tower. {@code exact} keeps weights that are stored with more than 16 bits as they are. */
    public static VisionWeights load(WeightSource source, VisionConfig config, boolean exact) {
        WeightLoader loader = new WeightLoader(source, exact);
        int width = config.hiddenSize();
        int merged = width * config.spatialMergeSize() * config.spatialMergeSize();
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < config.depth(); i++) {
            blocks.add(block(loader, config, "visual.blocks." + i + "."));
        }
        return new VisionWeights(
                loader.convolution(
                        "visual.patch_embed.proj.weight",
                        width,
                        config.patchLength(),
                        width,
                        3,
                        config.temporalPatchSize(),
                        config.patchSize(),
                        config.patchSize()),
                List.copyOf(blocks),
                loader.norm("visual.merger.ln_q.weight", width),
                loader.linear("visual.merger.mlp.0", merged, merged, true),
                loader.linear("visual.merger.mlp.2", config.outHiddenSize(), merged, true));
    }

    private static Block block(WeightLoader loader, VisionConfig config, String prefix) {
        int width = config.hiddenSize();
        return new Block(
                loader.norm(prefix + "norm1.weight", width),
                loader.linear(prefix + "attn.qkv", 3 * width, width, true),
                loader.linear(prefix + "attn.proj", width, width, true),
                loader.norm(prefix + "norm2.weight", width),
                loader.gateUp(prefix + "mlp", config.intermediateSize(), width, true),
                loader.linear(prefix + "mlp.down_proj", width, config.intermediateSize(), true));
    }
}

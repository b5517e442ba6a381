package dev.millrace.gpu.weights;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * The vision tower's weights. Dv is its width, rounded up to a multiple of 64 where it is an inner dimension.
 *
 * @param patchEmbed [Dv, patch length]
 * @param mergeNorm fp32[Dv]
 * @param mergeIn [padded 4·Dv, 4·padded Dv]: its inner dimension is four rows of the normed stream as they lie
 * @param mergeOut [D, 4·Dv]
 */
public record VisionWeights(
        Matrix patchEmbed, List<Block> blocks, DeviceBuffer mergeNorm, Linear mergeIn, Linear mergeOut) {

    /**
     * One block.
     *
     * @param attentionNorm fp32[Dv]
     * @param qkv queries, keys and values, one after the other
     * @param mlpNorm fp32[Dv]
     * @param gateUp gates and then ups, each with zeros up to the padded width
     */
    public record Block(
            DeviceBuffer attentionNorm, Linear qkv, Linear output, DeviceBuffer mlpNorm, Linear gateUp, Linear down) {}

    /** Loads a tower; its weights are there once the loader has finished. */
    public static VisionWeights load(WeightLoader loader, VisionConfig config) {
        int width = config.hiddenSize();
        int unit = config.spatialMergeSize() * config.spatialMergeSize();
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < config.depth(); i++) {
            blocks.add(block(loader, config, "visual.blocks." + i + "."));
        }
        return new VisionWeights(
                loader.matrix(patchEmbed(config)),
                List.copyOf(blocks),
                loader.vector(Part.vector("visual.merger.ln_q.weight", width)),
                mergeIn(loader, width, unit),
                linear(loader, "visual.merger.mlp.2", config.outHiddenSize(), unit * width));
    }

    /** A convolution whose kernel is as large as its step: a projection of flattened patches. */
    private static Part patchEmbed(VisionConfig config) {
        int side = config.patchSize();
        return Part.of(
                "visual.patch_embed.proj.weight", config.hiddenSize(), 3, config.temporalPatchSize(), side, side);
    }

    private static Linear mergeIn(WeightLoader loader, int width, int unit) {
        String name = "visual.merger.mlp.0";
        int merged = unit * width;
        int outputs = Matrix.padded(merged);
        int inner = unit * Matrix.padded(width);
        Matrix pieces = loader.matrix(
                Part.matrix(name + ".weight", merged, merged).paddedTo(outputs).inPieces(unit));
        return new Linear(
                new Matrix(pieces.values(), outputs, inner, inner),
                loader.vector(Part.vector(name + ".bias", merged).paddedTo(outputs)));
    }

    private static Block block(WeightLoader loader, VisionConfig config, String prefix) {
        int width = config.hiddenSize();
        return new Block(
                loader.vector(Part.vector(prefix + "norm1.weight", width)),
                linear(loader, prefix + "attn.qkv", 3 * width, width),
                linear(loader, prefix + "attn.proj", width, width),
                loader.vector(Part.vector(prefix + "norm2.weight", width)),
                gateUp(loader, prefix + "mlp.", config.intermediateSize(), width),
                linear(loader, prefix + "mlp.down_proj", width, config.intermediateSize()));
    }

    private static Linear linear(WeightLoader loader, String name, int outputs, int inner) {
        return new Linear(
                loader.matrix(Part.matrix(name + ".weight", outputs, inner)),
                loader.vector(Part.vector(name + ".bias", outputs)));
    }

    private static Linear gateUp(WeightLoader loader, String prefix, int outputs, int inner) {
        int padded = Matrix.padded(outputs);
        return new Linear(
                loader.matrix(
                        Part.matrix(prefix + "gate_proj.weight", outputs, inner).paddedTo(padded),
                        Part.matrix(prefix + "up_proj.weight", outputs, inner).paddedTo(padded)),
                loader.vector(
                        Part.vector(prefix + "gate_proj.bias", outputs).paddedTo(padded),
                        Part.vector(prefix + "up_proj.bias", outputs).paddedTo(padded)));
    }
}

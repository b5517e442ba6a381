package dev.millrace.model.forward;

import java.util.function.IntConsumer;

/**
 * The forward pass of Qwen2.5-VL (transformers {@code modeling_qwen2_5_vl.py}), written once over half-block operations
 * and without a look at the data, so that one body serves every backend, eager or captured. A Qwen2 text model is the
 * same without the tower.
 */
public final class Qwen25Vl {

    private final int layers;
    private final int visionBlocks;
    private final boolean[] fullAttention;

    /**
     * @param layers decoder layers
     * @param visionBlocks vision blocks; 0 for a text model
     * @param fullAttentionBlocks vision blocks that attend over whole frames; the others attend within windows
     */
    public Qwen25Vl(int layers, int visionBlocks, int[] fullAttentionBlocks) {
        this.layers = layers;
        this.visionBlocks = visionBlocks;
        this.fullAttention = new boolean[visionBlocks];
        for (int block : fullAttentionBlocks) {
            fullAttention[block] = true;
        }
    }

    /** A text model of so many layers. */
    public static Qwen25Vl text(int layers) {
        return new Qwen25Vl(layers, 0, new int[0]);
    }

    /** Computes one step's tokens. */
    public void forward(TextOperations ops) {
        forward(ops, layer -> {});
    }

    /**
     * Computes one step's tokens.
     *
     * @param afterLayer hears of each layer once its operations were called; x is the residual stream behind it then
     */
    public void forward(TextOperations ops, IntConsumer afterLayer) {
        ops.prepare();
        ops.copyBlocks();
        ops.embed();
        for (int layer = 0; layer < layers; layer++) {
            ops.attnIn(layer);
            ops.attend(layer);
            ops.attnOut(layer);
            ops.mlpIn(layer);
            ops.mlpOut(layer);
            afterLayer.accept(layer);
        }
        ops.logits();
        ops.sample();
    }

    /** Computes the embeddings of media. */
    public void encode(VisionOperations ops) {
        encode(ops, block -> {});
    }

    /**
     * Computes the embeddings of a step's media.
     *
     * @param afterBlock hears of each block once its operations were called; v is the residual stream behind it then
     */
    public void encode(VisionOperations ops, IntConsumer afterBlock) {
        ops.patchEmbed();
        for (int block = 0; block < visionBlocks; block++) {
            ops.visAttnIn(block);
            ops.visAttend(block, fullAttention[block]);
            ops.visAttnOut(block);
            ops.visMlpIn(block);
            ops.visMlpOut(block);
            afterBlock.accept(block);
        }
        ops.merge();
    }
}

package dev.millrace.model.config;

/**
 * A checkpoint's {@code config.json}, whichever of the two layouts it has.
 *
 * @param architecture such as {@code Qwen2_5_VLForConditionalGeneration} or {@code Qwen2ForCausalLM}
 * @param dtype the weights' type by the checkpoint's own word, such as {@code bfloat16}
 * @param text the decoder
 * @param vision the vision tower, or null for a text model
 */
public record ModelConfig(String architecture, String dtype, TextConfig text, VisionConfig vision) {

    public boolean hasVision() {
        return vision != null;
    }

    /**
     * The decoder.
     *
     * @param mropeSection how many of the headDim/2 frequencies each axis takes, in order; null: all follow the index
     * @param bosTokenId −1 where there is none
     */
    public record TextConfig(
            int vocabSize,
            int hiddenSize,
            int intermediateSize,
            int numLayers,
            int numHeads,
            int numKeyValueHeads,
            int headDim,
            int maxPositionEmbeddings,
            double rmsNormEps,
            double ropeTheta,
            int[] mropeSection,
            boolean tieWordEmbeddings,
            int bosTokenId,
            int[] eosTokenIds) {}

    /** The vision tower and the tokens that stand for media. */
    public record VisionConfig(
            int depth,
            int hiddenSize,
            int intermediateSize,
            int numHeads,
            int outHiddenSize,
            int patchSize,
            int temporalPatchSize,
            int spatialMergeSize,
            int windowSize,
            int[] fullAttentionBlocks,
            double tokensPerSecond,
            int imageTokenId,
            int videoTokenId,
            int visionStartTokenId,
            int visionEndTokenId) {

        public int headDim() {
            return hiddenSize / numHeads;
        }

        /** Values of a flattened patch: channels · time · height · width. */
        public int patchLength() {
            return 3 * temporalPatchSize * patchSize * patchSize;
        }
    }
}

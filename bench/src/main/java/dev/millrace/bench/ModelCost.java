package dev.millrace.bench;

import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.config.ModelConfig.VisionConfig;

/** Floating-point operations of the forward pass, a multiplication and an addition counted as two; padding is not counted. */
final class ModelCost {

    private final TextConfig text;
    private final VisionConfig vision;

    ModelCost(ModelConfig config) {
        this.text = config.text();
        this.vision = config.vision();
    }

    /** Of one token through the decoder and the head, with {@code context} tokens in its reach. */
    double decode(double context) {
        return token(context) + head();
    }

    /** Of a prompt of so many tokens: every token through the decoder, the last one through the head. */
    double prefill(int tokens) {
        return tokens * token((tokens + 1) / 2.0) + head();
    }

    /** Of a picture or video of so many patches through the tower, its windowed attention counted as full windows. */
    double encode(int patches, int patchesAFrame) {
        double width = vision.hiddenSize();
        double matrices = 2 * width * (4 * width + 3.0 * vision.intermediateSize());
        int window = (vision.windowSize() / vision.patchSize()) * (vision.windowSize() / vision.patchSize());
        double reach = vision.fullAttentionBlocks().length * (double) patchesAFrame
                + (vision.depth() - vision.fullAttentionBlocks().length) * Math.min(window, patchesAFrame);
        double merged = width * vision.spatialMergeSize() * vision.spatialMergeSize();
        double merger = 2 * merged * (merged + vision.outHiddenSize());
        return patches
                * (2.0 * vision.patchLength() * width
                        + vision.depth() * matrices
                        + 4 * width * reach
                        + merger / (vision.spatialMergeSize() * vision.spatialMergeSize()));
    }

    /** Values of the decoder layers' matrices. */
    double decoderValues() {
        double queries = queries();
        double keys = (double) text.numKeyValueHeads() * text.headDim();
        return text.numLayers() * (double) text.hiddenSize() * (2 * queries + 2 * keys + 3.0 * text.intermediateSize());
    }

    /** Values of the head's matrix. */
    double headValues() {
        return (double) text.hiddenSize() * text.vocabSize();
    }

    /** Values of the tower's matrices. */
    double towerValues() {
        double width = vision.hiddenSize();
        double merged = width * vision.spatialMergeSize() * vision.spatialMergeSize();
        return vision.patchLength() * width
                + vision.depth() * width * (4 * width + 3.0 * vision.intermediateSize())
                + merged * (merged + vision.outHiddenSize());
    }

    /** Keys and values that a token leaves. */
    double cacheValuesPerToken() {
        return 2.0 * text.numLayers() * text.numKeyValueHeads() * text.headDim();
    }

    int vocabulary() {
        return text.vocabSize();
    }

    private double token(double context) {
        return 2 * decoderValues() + 4 * text.numLayers() * queries() * context;
    }

    private double queries() {
        return (double) text.numHeads() * text.headDim();
    }

    private double head() {
        return 2 * headValues();
    }
}

package dev.millrace.model.config;

import dev.millrace.model.checkpoint.JsonObject;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.config.ModelConfig.VisionConfig;

/**
 * Reads {@code vision_config}. Published checkpoints leave out fields that have the value of transformers' class
 * ({@code Qwen2_5_VLVisionConfig}), so a missing field has that value.
 */
final class VisionConfigReader {

    private static final int[] DEFAULT_FULL_ATTENTION = {7, 15, 23, 31};

    private final JsonObject root;
    private final JsonObject vision;
    private final TextConfig text;

    VisionConfigReader(JsonObject root, TextConfig text) {
        this.root = root;
        this.vision = root.object("vision_config");
        this.text = text;
    }

    VisionConfig read() {
        ModelConfigReader.requireSilu(vision);
        int depth = vision.integer("depth", 1, Limits.MAX_LAYERS, 32);
        VisionConfig config = new VisionConfig(
                depth,
                vision.integer("hidden_size", 1, Limits.MAX_WIDTH, 3584),
                vision.integer("intermediate_size", 1, Limits.MAX_WIDTH, 3420),
                vision.integer("num_heads", 1, Limits.MAX_WIDTH, 16),
                vision.integer("out_hidden_size", 1, Limits.MAX_WIDTH, 3584),
                vision.integer("patch_size", 1, 1024, 14),
                vision.integer("temporal_patch_size", 1, 64, 2),
                vision.integer("spatial_merge_size", 1, 64, 2),
                vision.integer("window_size", 1, Limits.MAX_WIDTH, 112),
                vision.has("fullatt_block_indexes")
                        ? vision.integers("fullatt_block_indexes", 0, depth - 1)
                        : DEFAULT_FULL_ATTENTION.clone(),
                vision.has("tokens_per_second") ? vision.number("tokens_per_second", 0, 1e6) : 4,
                tokenId("image_token_id"),
                tokenId("video_token_id"),
                tokenId("vision_start_token_id"),
                tokenId("vision_end_token_id"));
        check(config);
        return config;
    }

    private int tokenId(String field) {
        return root.integer(field, 0, text.vocabSize() - 1);
    }

    private void check(VisionConfig config) {
        String channels = vision.has("in_channels") ? "in_channels" : "in_chans";
        vision.integer(channels, 3, 3, 3);
        if (config.hiddenSize() % config.numHeads() != 0 || config.headDim() % 4 != 0) {
            throw vision.error("hidden_size " + config.hiddenSize() + " over num_heads " + config.numHeads()
                    + " has to be a multiple of 4, for rotary positions in two dimensions");
        }
        if (config.outHiddenSize() != text.hiddenSize()) {
            throw vision.error("out_hidden_size is " + config.outHiddenSize() + "; the decoder's hidden_size is "
                    + text.hiddenSize());
        }
        if (config.spatialMergeSize() != 2 || config.temporalPatchSize() != 2) {
            throw vision.error("spatial_merge_size is " + config.spatialMergeSize() + " and temporal_patch_size "
                    + config.temporalPatchSize() + "; supported is 2 for both");
        }
        if (config.windowSize() % (config.patchSize() * config.spatialMergeSize()) != 0) {
            throw vision.error("window_size " + config.windowSize() + " is no multiple of patch_size "
                    + config.patchSize() + " times spatial_merge_size " + config.spatialMergeSize());
        }
        for (int block : config.fullAttentionBlocks()) {
            if (block >= config.depth()) {
                throw vision.error("fullatt_block_indexes has " + block + "; depth is " + config.depth());
            }
        }
    }
}

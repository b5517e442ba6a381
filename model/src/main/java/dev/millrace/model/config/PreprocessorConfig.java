package dev.millrace.model.config;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How pictures become patches: {@code preprocessor_config.json}, or the {@code image_processor} of transformers 5's
 * {@code processor_config.json}.
 *
 * @param minPixels fewest pixels after resizing
 * @param maxPixels most pixels after resizing
 * @param patchSize pixels along a patch's side
 * @param temporalPatchSize frames in a patch
 * @param mergeSize patches along the side of what becomes one token
 * @param imageMean [3] mean by channel (red, green, blue) of values in [0, 1]
 * @param imageStd [3] standard deviation by channel
 */
public record PreprocessorConfig(
        int minPixels,
        int maxPixels,
        int patchSize,
        int temporalPatchSize,
        int mergeSize,
        double[] imageMean,
        double[] imageStd) {

    /** As Qwen2.5-VL was published. */
    public static final PreprocessorConfig QWEN25_VL = new PreprocessorConfig(
            3136, 12_845_056, 14, 2, 2, new double[] {0.48145466, 0.4578275, 0.40821073}, new double[] {
                0.26862954, 0.26130258, 0.27577711
            });

    /**
     * Reads a model folder's file; where there is none, or a field is missing, {@link #QWEN25_VL} holds.
     *
     * @throws CheckpointException if the file is not right
     */
    public static PreprocessorConfig read(Path folder) {
        Path own = folder.resolve("preprocessor_config.json");
        if (Files.exists(own)) {
            return of(JsonObject.read(own));
        }
        Path shared = folder.resolve("processor_config.json");
        if (Files.exists(shared)) {
            JsonObject json = JsonObject.read(shared);
            if (json.has("image_processor")) {
                return of(json.object("image_processor"));
            }
        }
        return QWEN25_VL;
    }

    private static PreprocessorConfig of(JsonObject json) {
        int minPixels = pixels(json, "min_pixels", "shortest_edge", QWEN25_VL.minPixels);
        int maxPixels = pixels(json, "max_pixels", "longest_edge", QWEN25_VL.maxPixels);
        if (minPixels > maxPixels) {
            throw json.error("min_pixels " + minPixels + " is above max_pixels " + maxPixels);
        }
        return new PreprocessorConfig(
                minPixels,
                maxPixels,
                json.integer("patch_size", 1, 1024, QWEN25_VL.patchSize),
                json.integer("temporal_patch_size", 1, 64, QWEN25_VL.temporalPatchSize),
                json.integer("merge_size", 1, 64, QWEN25_VL.mergeSize),
                channels(json, "image_mean", -1e6, QWEN25_VL.imageMean),
                channels(json, "image_std", 1e-6, QWEN25_VL.imageStd));
    }

    /** The older field wins over the newer {@code size}, as in transformers. */
    private static int pixels(JsonObject json, String field, String edge, int otherwise) {
        if (!json.has(field) && json.has("size")) {
            return json.object("size").integer(edge, 1, Integer.MAX_VALUE, otherwise);
        }
        return json.integer(field, 1, Integer.MAX_VALUE, otherwise);
    }

    private static double[] channels(JsonObject json, String field, double min, double[] otherwise) {
        if (!json.has(field)) {
            return otherwise.clone();
        }
        JsonNode list = json.get(field);
        double[] out = new double[3];
        for (int i = 0; i < 3; i++) {
            JsonNode value = list.path(i);
            out[i] = value.doubleValue();
            if (list.size() != 3 || !value.isNumber() || !(out[i] >= min && out[i] <= 1e6)) {
                throw json.error("field '" + field + "' is " + list + "; expected are three numbers from " + min
                        + " to 1000000");
            }
        }
        return out;
    }
}

package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * One case of {@code cases-X.json}.
 *
 * @param inputIds the prompt, media placeholders included
 * @param images files of its pictures, relative to the folder of the vectors
 * @param imageGrids (time, height, width) in patches of each picture
 * @param videoFrames files of its video's frames
 * @param videoGrids (time, height, width) in patches of its video
 * @param secondsPerGrid video time between two patches along time
 * @param greedyTokens the reference's answer
 * @param greedyMargins at each of its tokens, by how much the best logit exceeds the second; empty where not recorded
 * @param sampledTokens indices of the prompt's tokens whose {@code row_logits} and {@code hidden} values were kept, the
 *     last token's among them
 * @param sampledPatches places in window order of the patches whose {@code vision_hidden} values were kept
 * @param beams the reference's beam search, or null
 * @param bf16 PyTorch's own errors in bf16
 * @param fp32 the same in fp32, where the reference is fp64
 */
record GoldenCase(
        String name,
        int[] inputIds,
        List<String> images,
        List<int[]> imageGrids,
        List<String> videoFrames,
        List<int[]> videoGrids,
        double[] secondsPerGrid,
        int[] greedyTokens,
        double[] greedyMargins,
        int[] sampledTokens,
        int[] sampledPatches,
        BeamReference beams,
        ReferenceErrors bf16,
        ReferenceErrors fp32) {

    static GoldenCase parse(JsonNode node) {
        return new GoldenCase(
                node.path("name").asText(),
                integers(node.path("input_ids")),
                list(node.path("images"), JsonNode::asText),
                list(node.path("image_grid_thw"), GoldenCase::integers),
                list(node.path("video_frames"), JsonNode::asText),
                list(node.path("video_grid_thw"), GoldenCase::integers),
                doubles(node.path("second_per_grid_ts")),
                integers(node.path("greedy_tokens")),
                doubles(node.path("greedy_margin")),
                integers(node.path("sampled_tokens")),
                integers(node.path("sampled_patches")),
                BeamReference.parse(node),
                ReferenceErrors.parse(node, "bf16"),
                ReferenceErrors.parse(node, "fp32"));
    }

    /** Whether the reference's choice at a step is clear enough to be compared. */
    boolean isComparable(int step, double margin) {
        return step >= greedyMargins.length || greedyMargins[step] > margin;
    }

    static int[] integers(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }

    static double[] doubles(JsonNode array) {
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asDouble();
        }
        return values;
    }

    private static <T> List<T> list(JsonNode array, Function<JsonNode, T> element) {
        List<T> values = new ArrayList<>();
        array.forEach(node -> values.add(element.apply(node)));
        return List.copyOf(values);
    }
}

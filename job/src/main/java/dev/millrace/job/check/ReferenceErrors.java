package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * PyTorch's own errors in one type, each over the values of a kind that a case keeps; null or empty where not recorded.
 *
 * @param logits over all logits that are kept
 * @param embeddings over those of its media
 * @param hidden over the hidden states after each decoder layer
 * @param visionHidden over those after each of the tower's blocks
 */
record ReferenceErrors(
        ReferenceError logits,
        ReferenceError embeddings,
        List<ReferenceError> hidden,
        List<ReferenceError> visionHidden) {

    /** @param type as the keys have it, such as bf16 */
    static ReferenceErrors parse(JsonNode node, String type) {
        String prefix = "pytorch_" + type;
        return new ReferenceErrors(
                ReferenceError.parse(node, prefix),
                ReferenceError.parse(node, prefix + "_embeds"),
                list(node.path(prefix + "_hidden"), type),
                list(node.path(prefix + "_vision_hidden"), type));
    }

    private static List<ReferenceError> list(JsonNode array, String prefix) {
        List<ReferenceError> errors = new ArrayList<>();
        array.forEach(node -> errors.add(ReferenceError.parse(node, prefix)));
        return List.copyOf(errors);
    }
}

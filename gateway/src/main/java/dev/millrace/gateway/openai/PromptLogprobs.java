package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenLogprob;

/**
 * vLLM's {@code prompt_logprobs}: for each token of the prompt an object of candidates by id, the token that is there among
 * them; null for the first token, before which there is nothing.
 */
final class PromptLogprobs {

    private PromptLogprobs() {}

    /** Null where none were asked for. */
    static JsonNode of(PromptPart prompt) {
        if (prompt.logprobs() == null) {
            return JsonNodeFactory.instance.nullNode();
        }
        ArrayNode positions = JsonNodeFactory.instance.arrayNode();
        positions.addNull();
        for (PositionLogprobs position : prompt.logprobs()) {
            ObjectNode candidates = positions.addObject();
            write(position.getChosen(), candidates);
            position.getTop().forEach(token -> write(token, candidates));
        }
        return positions;
    }

    private static void write(TokenLogprob token, ObjectNode candidates) {
        candidates
                .putObject(String.valueOf(token.getTokenId()))
                .put("logprob", TokenNames.logprob(token))
                .put("rank", token.getRank())
                .put("decoded_token", token.getText());
    }
}

package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * A request of the load.
 *
 * @param prompt a text; for a chat also a list of messages, or of one message's content parts
 * @param media content parts behind the prompt's, for a chat
 * @param promptLen tokens of the text, as far as they are known; nought where the server is left to say
 * @param outputLen tokens to generate at most
 * @param answer the only right answer, or null where any is taken
 */
record LoadRequest(String id, JsonNode prompt, List<JsonNode> media, int promptLen, int outputLen, String answer) {

    boolean hasMessages() {
        return prompt.path(0).has("role");
    }

    LoadRequest withId(String other) {
        return new LoadRequest(other, prompt, media, promptLen, outputLen, answer);
    }

    LoadRequest withAnswer(String only) {
        return new LoadRequest(id, prompt, media, promptLen, outputLen, only);
    }
}

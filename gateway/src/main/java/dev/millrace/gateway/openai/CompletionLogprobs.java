package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenLogprob;

/** Log-probabilities in the form of completions: four lists, one entry for each token. */
final class CompletionLogprobs {

    private final ObjectNode json = JsonNodeFactory.instance.objectNode();
    private final ArrayNode textOffset = json.putArray("text_offset");
    private final ArrayNode tokenLogprobs = json.putArray("token_logprobs");
    private final ArrayNode tokens = json.putArray("tokens");
    private final ArrayNode topLogprobs = json.putArray("top_logprobs");

    private final TokenNames names;
    private final int top;
    private int offset;

    /**
     * @param top likeliest tokens told at each position, beside the chosen one
     * @param offset characters (code points) before the first token
     */
    CompletionLogprobs(TokenNames names, int top, int offset) {
        this.names = names;
        this.top = top;
        this.offset = offset;
    }

    /** The prompt's first token, which has no log-probability. */
    void addFirst(int id) {
        begin(names.of(id));
        tokenLogprobs.addNull();
        topLogprobs.addNull();
    }

    void add(PositionLogprobs position) {
        TokenLogprob chosen = position.getChosen();
        begin(names.of(chosen));
        tokenLogprobs.add(TokenNames.logprob(chosen));
        ObjectNode candidates = topLogprobs.addObject();
        candidates.put(names.of(chosen), TokenNames.logprob(chosen));
        position.getTop().stream()
                .limit(top)
                .forEach(candidate -> candidates.put(names.of(candidate), TokenNames.logprob(candidate)));
    }

    private void begin(String token) {
        textOffset.add(offset);
        tokens.add(token);
        offset += token.codePointCount(0, token.length());
    }

    ObjectNode toJson() {
        return json;
    }
}

package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.schemas.TokenLogprob;

/** What tokens are called in log-probabilities. */
record TokenNames(Tokenizer tokenizer, boolean asIds) {

    private static final float IMPOSSIBLE = -9999f; // OpenAI's word for minus infinity

    String of(TokenLogprob token) {
        return asIds ? asId(token.getTokenId()) : token.getText();
    }

    String of(int id) {
        return asIds ? asId(id) : tokenizer.decode(new int[] {id}, false);
    }

    private static String asId(int id) {
        return "token_id:" + id;
    }

    /** The bytes that the token stands for, which may be part of a character only. */
    ArrayNode bytes(TokenLogprob token) {
        ArrayNode bytes = JsonNodeFactory.instance.arrayNode();
        for (byte value : tokenizer.tokenBytes(token.getTokenId())) {
            bytes.add(value & 0xff);
        }
        return bytes;
    }

    static float logprob(TokenLogprob token) {
        return Math.max(IMPOSSIBLE, token.getLogprob());
    }
}

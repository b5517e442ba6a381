package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenLogprob;
import java.util.ArrayList;
import java.util.List;

/** {@code chat.completion} and its chunks, as {@code vllm/entrypoints/openai/chat_completion/protocol.py} has them. */
record ChatFormat(CallOptions options, TokenNames names) implements AnswerFormat {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    @Override
    public List<ObjectNode> opening(int index) {
        List<ObjectNode> choices = new ArrayList<>(2);
        ObjectNode first = JSON.objectNode().put("index", index);
        first.putObject("delta").put("role", options.role()).put("content", "");
        choices.add(first);
        if (!options.prefix().isEmpty()) {
            ObjectNode echo = JSON.objectNode().put("index", index);
            echo.putObject("delta").put("content", options.prefix());
            choices.add(echo);
        }
        choices.forEach(choice -> choice.putNull("logprobs").putNull("finish_reason"));
        return choices;
    }

    @Override
    public ObjectNode piece(ChoicePiece piece) {
        ObjectNode choice = JSON.objectNode().put("index", piece.index());
        choice.putObject("delta").put("content", piece.text());
        choice.set("logprobs", logprobs(piece));
        choice.put("finish_reason", piece.finishReason());
        if (piece.finishReason() != null) {
            Json.put(choice, "stop_reason", piece.stopReason());
        }
        return finish(choice, piece);
    }

    @Override
    public ObjectNode whole(ChoicePiece answer) {
        ObjectNode choice = JSON.objectNode().put("index", answer.index());
        choice.putObject("message")
                .put("role", options.role())
                .put("content", options.prefix() + answer.text())
                .putNull("refusal")
                .putNull("annotations")
                .putNull("audio")
                .putNull("function_call")
                .putNull("reasoning");
        choice.set("logprobs", logprobs(answer));
        choice.put("finish_reason", answer.finishReason());
        Json.put(choice, "stop_reason", answer.stopReason());
        return finish(choice, answer);
    }

    private ObjectNode finish(ObjectNode choice, ChoicePiece piece) {
        choice.set("token_ids", Json.ids(options.tokenIds() ? piece.tokenIds() : null));
        return Json.putIfPresent(choice, "replay_diverged", piece.diverged());
    }

    @Override
    public void finishChunk(ObjectNode chunk, ObjectNode usage, PromptPart opened) {
        if (usage != null) {
            chunk.set("usage", usage);
        }
        if (opened != null) {
            chunk.set("prompt_token_ids", Json.ids(options.tokenIds() ? opened.ids() : null));
        }
    }

    @Override
    public void finishResponse(ObjectNode response, PromptPart prompt) {
        response.set("prompt_logprobs", PromptLogprobs.of(prompt));
        response.set("prompt_token_ids", Json.ids(options.tokenIds() ? prompt.ids() : null));
        response.putNull("kv_transfer_params");
    }

    private JsonNode logprobs(ChoicePiece piece) {
        if (piece.logprobs() == null || !options.hasLogprobs()) {
            return JSON.nullNode();
        }
        ObjectNode logprobs = JSON.objectNode();
        ArrayNode content = logprobs.putArray("content");
        for (PositionLogprobs position : piece.logprobs()) {
            ArrayNode top = write(position.getChosen(), content.addObject()).putArray("top_logprobs");
            position.getTop().stream()
                    .limit(options.topLogprobs())
                    .forEach(candidate -> write(candidate, top.addObject()));
        }
        return logprobs;
    }

    private ObjectNode write(TokenLogprob token, ObjectNode node) {
        node.put("token", names.of(token)).put("logprob", TokenNames.logprob(token));
        node.set("bytes", names.bytes(token));
        return node;
    }
}

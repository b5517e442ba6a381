package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** {@code text_completion}, as {@code vllm/entrypoints/openai/completion/protocol.py} has it. */
record CompletionFormat(CallOptions options, TokenNames names) implements AnswerFormat {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    @Override
    public List<ObjectNode> opening(int index) {
        return List.of();
    }

    @Override
    public ObjectNode piece(ChoicePiece piece) {
        ObjectNode choice = begin(piece);
        choice.set("prompt_token_ids", promptIds(piece.prompt()));
        choice.set("token_ids", tokenIds(piece));
        return Json.putIfPresent(choice, "replay_diverged", piece.diverged());
    }

    @Override
    public ObjectNode whole(ChoicePiece answer) {
        ObjectNode choice = begin(answer);
        choice.set("token_ids", tokenIds(answer));
        choice.set("prompt_logprobs", PromptLogprobs.of(answer.prompt()));
        choice.set("prompt_token_ids", promptIds(answer.prompt()));
        return Json.putIfPresent(choice, "replay_diverged", answer.diverged());
    }

    private ObjectNode begin(ChoicePiece piece) {
        PromptPart echo = options.echo() == Echo.NONE ? null : piece.prompt();
        boolean answered = options.echo() != Echo.ALONE;
        ObjectNode choice = JSON.objectNode()
                .put("index", piece.index())
                .put("text", (echo == null ? "" : echo.text()) + (answered ? piece.text() : ""));
        choice.set("logprobs", logprobs(piece, echo, answered));
        choice.put("finish_reason", piece.finishReason());
        Json.put(choice, "stop_reason", piece.stopReason());
        return choice;
    }

    private JsonNode promptIds(PromptPart prompt) {
        return Json.ids(options.tokenIds() && prompt != null ? prompt.ids() : null);
    }

    private JsonNode tokenIds(ChoicePiece piece) {
        return Json.ids(options.tokenIds() ? piece.tokenIds() : null);
    }

    private JsonNode logprobs(ChoicePiece piece, PromptPart echo, boolean answered) {
        if (piece.logprobs() == null || !options.hasLogprobs()) {
            return JSON.nullNode();
        }
        var logprobs = new CompletionLogprobs(names, options.topLogprobs(), piece.offset());
        if (echo != null) {
            logprobs.addFirst(echo.ids().get(0));
            echo.logprobs().forEach(logprobs::add);
        }
        if (answered) {
            piece.logprobs().forEach(logprobs::add);
        }
        return logprobs.toJson();
    }

    @Override
    public void finishChunk(ObjectNode chunk, ObjectNode usage, PromptPart opened) {
        chunk.set("usage", usage);
    }

    @Override
    public void finishResponse(ObjectNode response, PromptPart prompt) {
        response.putNull("kv_transfer_params");
    }
}

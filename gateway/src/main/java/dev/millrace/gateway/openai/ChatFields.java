package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.json.JsonFields;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * What only a conversation has, by the rules and in the words of
 * {@code vllm/entrypoints/openai/chat_completion/protocol.py}.
 *
 * @param topLogprobs as in {@link CallOptions}
 * @param role who answers
 * @param prefix what stands before each answer
 */
record ChatFields(int topLogprobs, String role, String prefix) {

    private static final Set<String> AUDIO = Set.of("audio_url", "input_audio", "audio_embeds");

    static ChatFields read(CallFields fields, AnswerStyle style) throws MalformedRecordException, ApiException {
        JsonFields body = fields.body();
        body.object().remove(List.of("prompt", "prompt_token_ids"));
        if (!body.has("messages")) {
            throw ApiException.badRequest("messages: Field required", "messages");
        }
        refuseTools(body);
        refuseParts(body.node("messages"));
        String role = role(body, style);
        String prefix = fields.takeFlag("echo") ? lastText(body.node("messages"), role) : "";
        return new ChatFields(topLogprobs(body), role, prefix);
    }

    private static int topLogprobs(JsonFields body) throws MalformedRecordException, ApiException {
        Integer top = body.integer("top_logprobs");
        if (top != null && top < -1) {
            throw ApiException.badRequest("`top_logprobs` must be a positive value or -1.", "top_logprobs");
        }
        if (body.flag("logprobs", false)) {
            return top == null ? 0 : top == -1 ? CallOptions.ALL_LOGPROBS : top;
        }
        if (top != null && top != 0) {
            throw ApiException.badRequest("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
        }
        return CallOptions.NO_LOGPROBS;
    }

    private static void refuseTools(JsonFields body) throws ApiException {
        JsonNode tools = body.node("tools");
        String choice = body.object().path("tool_choice").asText("auto");
        if (tools != null && !tools.isEmpty() && choice.equals("auto")) {
            throw ApiException.badRequest(
                    "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set;"
                            + " this server has neither. Leave tools out.",
                    "tools");
        }
        if (tools == null && body.has("tool_choice") && !Set.of("none", "auto").contains(choice)) {
            throw ApiException.badRequest("When using `tool_choice`, `tools` must be set.", "tool_choice");
        }
    }

    private static void refuseParts(JsonNode messages) throws ApiException {
        for (JsonNode message : messages) {
            for (JsonNode part : message.path("content")) {
                String type = part.path("type").asText();
                if (AUDIO.contains(type)) {
                    throw ApiException.badRequest("At most 0 audio(s) may be provided in one prompt.", "messages");
                }
                if (type.equals("image_embeds")) {
                    throw ApiException.badRequest(
                            "You must set `--enable-mm-embeds` to input `image_embeds`; this server has no such flag."
                                    + " Send the picture itself as image_url.",
                            "messages");
                }
            }
        }
    }

    /** The answer goes on with the last message where no new one is opened. */
    private static String role(JsonFields body, AnswerStyle style) throws MalformedRecordException {
        JsonNode messages = body.node("messages");
        boolean opened = body.flag("add_generation_prompt", true);
        return opened || messages.isEmpty()
                ? style.role()
                : last(messages).path("role").asText();
    }

    private static String lastText(JsonNode messages, String role) {
        if (messages.isEmpty() || !last(messages).path("role").asText().equals(role)) {
            return "";
        }
        JsonNode content = last(messages).path("content");
        return content.isTextual()
                ? content.textValue()
                : StreamSupport.stream(content.spliterator(), false)
                        .map(part -> part.path("text").asText())
                        .filter(text -> !text.isEmpty())
                        .collect(Collectors.joining("\n"));
    }

    private static JsonNode last(JsonNode messages) {
        return messages.path(messages.size() - 1);
    }
}

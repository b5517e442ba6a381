package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A prompt as JSON: OpenAI's chat-completions body, or a completions body ({@code prompt} a text or token ids), with vLLM's
 * extra fields and those of {@link PromptRequest}: {@code request_id}, {@code priority}, {@code created_at} and
 * {@code deadline} (milliseconds since 1970 or ISO 8601), {@code reply_to}, {@code headers}, {@code add_vision_id}. A request
 * without an id is read with an empty one.
 */
public final class PromptJson implements RecordCodec<PromptRequest> {

    private final Consumer<String> unknownField;

    /** @param unknownField hears the name of each field that is passed over because nobody knows it */
    public PromptJson(Consumer<String> unknownField) {
        this.unknownField = unknownField;
    }

    @Override
    public byte[] encode(PromptRequest request) throws IOException {
        return Json.MAPPER.writeValueAsBytes(PromptJsonWriter.write(request));
    }

    @Override
    public PromptRequest decode(byte[] value) throws MalformedRecordException {
        return read(JsonFields.parse(value));
    }

    /**
     * The request that a body makes.
     *
     * @throws MalformedRecordException if a field has another type, is missing, or is not supported
     */
    public PromptRequest read(JsonFields body) throws MalformedRecordException {
        KnownFields.check(body, unknownField);
        boolean chat = body.has("messages");
        PromptRequest.Builder request = PromptRequest.newBuilder()
                .setRequestId(or(body.text("request_id"), ""))
                .setModel(body.text("model"))
                .setSampling(SamplingJson.read(body, chat));
        readPrompt(body, request);
        readTemplateOptions(body, request);
        return request.setPriority(or(body.integer("priority"), 0))
                .setCreatedAt(instant(body, "created_at"))
                .setDeadline(instant(body, "deadline"))
                .setReplyTo(body.text("reply_to"))
                .setHeaders(or(body.map("headers", JsonFields::text), Map.of()))
                .build();
    }

    private static void readPrompt(JsonFields body, PromptRequest.Builder request) throws MalformedRecordException {
        List<String> given = List.of("messages", "prompt", "prompt_token_ids").stream()
                .filter(body::has)
                .toList();
        if (given.size() != 1) {
            String got = given.isEmpty() ? "none" : String.join(" and ", given);
            throw new MalformedRecordException(
                    "exactly one of messages, prompt and prompt_token_ids must be given, got " + got, "messages");
        }
        switch (given.get(0)) {
            case "messages" -> {
                MediaJson media = new MediaJson(body);
                request.setMessages(body.list("messages", new ChatJson(media)::message));
                media.requireRatesForAll();
            }
            case "prompt" -> readCompletionPrompt(body.node("prompt"), request);
            default -> request.setPromptTokenIds(body.list("prompt_token_ids", JsonFields::integer));
        }
    }

    /** A text, token ids, or a list of one of these. */
    private static void readCompletionPrompt(JsonNode prompt, PromptRequest.Builder request)
            throws MalformedRecordException {
        boolean nested = prompt.isArray()
                && (prompt.path(0).isTextual() || prompt.path(0).isArray());
        if (nested && prompt.size() > 1) {
            throw new MalformedRecordException(
                    "prompt holds " + prompt.size() + " prompts; a record is one prompt", "prompt");
        }
        JsonNode one = nested ? prompt.get(0) : prompt;
        if (one.isArray()) {
            request.setPromptTokenIds(JsonFields.list(one, "prompt", JsonFields::integer));
        } else if (one.isTextual()) {
            request.setPrompt(JsonFields.text(one, "prompt"));
        } else {
            throw JsonFields.refused(one, "prompt", "a string or an array of token ids");
        }
    }

    private static void readTemplateOptions(JsonFields body, PromptRequest.Builder request)
            throws MalformedRecordException {
        request.setAddVisionId(body.flag("add_vision_id", false))
                .setAddGenerationPrompt(body.flag("add_generation_prompt", true))
                .setContinueFinalMessage(body.flag("continue_final_message", false))
                .setChatTemplateKwargs(ChatTemplateKwargs.read(body));
    }

    private static Instant instant(JsonFields body, String name) throws MalformedRecordException {
        JsonNode node = body.node(name);
        if (node == null) {
            return null;
        }
        try {
            long millis = node.isTextual() ? Instant.parse(node.textValue()).toEpochMilli() : body.longInteger(name);
            return Instant.ofEpochMilli(millis);
        } catch (DateTimeException | ArithmeticException e) {
            throw JsonFields.refused(node, name, "milliseconds since 1970 or ISO 8601 (2026-11-22T13:00:00Z)");
        }
    }

    private static <T> T or(T value, T otherwise) {
        return value != null ? value : otherwise;
    }
}

package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.TokenLogprob;
import dev.millrace.schemas.Usage;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A token event as JSON: the fields of {@link TokenEvent} by their names in the schema, what is null left out, times in
 * milliseconds since 1970, {@code finish_reason} in lower case, log-probabilities of impossible tokens as −9999 (vLLM's
 * word for minus infinity).
 */
public final class TokenEventJson implements RecordCodec<TokenEvent> {

    private static final float IMPOSSIBLE = -9999f;

    @Override
    public byte[] encode(TokenEvent event) throws IOException {
        ObjectNode node = Json.MAPPER.createObjectNode();
        node.put("request_id", event.getRequestId());
        node.put("choice", event.getChoice());
        node.put("first_position", event.getFirstPosition());
        node.set("token_ids", Json.MAPPER.valueToTree(event.getTokenIds()));
        node.set("text", Json.MAPPER.valueToTree(event.getText()));
        node.put("text_start", event.getTextStart());
        node.put("attempt", event.getAttempt());
        write(event.getLogprobs(), "logprobs", node);
        writePrompt(event, node);
        writeEnd(event, node);
        put(node, "created_at", event.getCreatedAt());
        put(node, "scheduled_at", event.getScheduledAt());
        put(node, "emitted_at", event.getEmittedAt());
        return Json.MAPPER.writeValueAsBytes(node);
    }

    private static void writePrompt(TokenEvent event, ObjectNode node) {
        if (event.getPromptTokens() != null) {
            node.put("prompt_tokens", event.getPromptTokens());
        }
        write(event.getPromptLogprobs(), "prompt_logprobs", node);
        if (event.getPromptLogprobs() != null) {
            node.put("prompt_logprobs_start", event.getPromptLogprobsStart());
        }
        if (event.getPromptText() != null) {
            node.put("prompt_text", event.getPromptText()).put("prompt_text_start", event.getPromptTextStart());
        }
    }

    private static void write(List<PositionLogprobs> positions, String name, ObjectNode node) {
        if (positions != null) {
            ArrayNode array = node.putArray(name);
            positions.forEach(position -> write(position, array.addObject()));
        }
    }

    private static void writeEnd(TokenEvent event, ObjectNode node) {
        if (event.getFinishReason() != null) {
            node.put("finish_reason", event.getFinishReason().name().toLowerCase(Locale.ROOT));
        }
        if (event.getStopReason() != null) {
            node.set("stop_reason", Json.MAPPER.valueToTree(event.getStopReason()));
        }
        if (event.getUsage() != null) {
            node.putObject("usage")
                    .put("prompt_tokens", event.getUsage().getPromptTokens())
                    .put("completion_tokens", event.getUsage().getCompletionTokens())
                    .put("cached_tokens", event.getUsage().getCachedTokens());
        }
        if (event.getError() != null) {
            node.putObject("error")
                    .put("code", event.getError().getCode())
                    .put("message", event.getError().getMessage())
                    .put("param", event.getError().getParam());
        }
        if (event.getReplyTo() != null) {
            node.put("reply_to", event.getReplyTo());
        }
        if (!event.getHeaders().isEmpty()) {
            node.set("headers", Json.MAPPER.valueToTree(event.getHeaders()));
        }
    }

    private static void write(PositionLogprobs position, ObjectNode node) {
        write(position.getChosen(), node.putObject("chosen"));
        ArrayNode top = node.putArray("top");
        position.getTop().forEach(candidate -> write(candidate, top.addObject()));
    }

    private static void write(TokenLogprob token, ObjectNode node) {
        node.put("token_id", token.getTokenId())
                .put("text", token.getText())
                .put("logprob", Math.max(IMPOSSIBLE, token.getLogprob()))
                .put("rank", token.getRank());
    }

    private static void put(ObjectNode node, String name, Instant instant) {
        if (instant != null) {
            node.put(name, instant.toEpochMilli());
        }
    }

    @Override
    public TokenEvent decode(byte[] value) throws MalformedRecordException {
        JsonFields event = new JsonFields(Json.readObject(value), "");
        try {
            return TokenEvent.newBuilder()
                    .setRequestId(event.text("request_id"))
                    .setChoice(event.integer("choice"))
                    .setFirstPosition(event.integer("first_position"))
                    .setTokenIds(event.list("token_ids", JsonFields::integer))
                    .setText(event.list("text", JsonFields::text))
                    .setTextStart(event.integer("text_start"))
                    .setAttempt(event.integer("attempt"))
                    .setLogprobs(event.list("logprobs", TokenEventJson::position))
                    .setPromptLogprobs(event.list("prompt_logprobs", TokenEventJson::position))
                    .setPromptLogprobsStart(orZero(event.integer("prompt_logprobs_start")))
                    .setPromptText(event.text("prompt_text"))
                    .setPromptTextStart(orZero(event.integer("prompt_text_start")))
                    .setPromptTokens(event.integer("prompt_tokens"))
                    .setFinishReason(finishReason(event))
                    .setStopReason(stopReason(event))
                    .setUsage(usage(event.fields("usage")))
                    .setError(error(event.fields("error")))
                    .setReplyTo(event.text("reply_to"))
                    .setHeaders(event.has("headers") ? event.map("headers", JsonFields::text) : Map.of())
                    .setCreatedAt(instant(event, "created_at"))
                    .setScheduledAt(instant(event, "scheduled_at"))
                    .setEmittedAt(instant(event, "emitted_at"))
                    .build();
        } catch (RuntimeException e) {
            throw new MalformedRecordException("the value is no token event: " + e.getMessage(), e);
        }
    }

    private static int orZero(Integer value) {
        return value == null ? 0 : value;
    }

    private static PositionLogprobs position(JsonNode node, String path) throws MalformedRecordException {
        JsonFields fields = JsonFields.of(node, path);
        List<TokenLogprob> top = fields.list("top", TokenEventJson::token);
        return new PositionLogprobs(token(fields.node("chosen"), fields.pathOf("chosen")), top);
    }

    private static TokenLogprob token(JsonNode node, String path) throws MalformedRecordException {
        JsonFields fields = JsonFields.of(node, path);
        return new TokenLogprob(
                fields.integer("token_id"),
                fields.text("text"),
                fields.number("logprob").floatValue(),
                fields.integer("rank"));
    }

    private static FinishReason finishReason(JsonFields event) throws MalformedRecordException {
        String word = event.text("finish_reason");
        return word == null ? null : FinishReason.valueOf(word.toUpperCase(Locale.ROOT));
    }

    private static Object stopReason(JsonFields event) throws MalformedRecordException {
        JsonNode node = event.node("stop_reason");
        if (node == null) {
            return null;
        }
        return node.isTextual() ? node.textValue() : event.integer("stop_reason");
    }

    private static Usage usage(JsonFields usage) throws MalformedRecordException {
        return usage == null
                ? null
                : new Usage(
                        usage.integer("prompt_tokens"),
                        usage.integer("completion_tokens"),
                        usage.integer("cached_tokens"));
    }

    private static EventError error(JsonFields error) throws MalformedRecordException {
        return error == null ? null : new EventError(error.text("code"), error.text("message"), error.text("param"));
    }

    private static Instant instant(JsonFields event, String name) throws MalformedRecordException {
        Long millis = event.longInteger(name);
        return millis == null ? null : Instant.ofEpochMilli(millis);
    }
}

package dev.millrace.gateway.openai;

import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.json.JsonFields;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/** The fields that say how a call is answered, of either endpoint; rules and words are vLLM's. */
final class CallFields {

    private static final Pattern ID = Pattern.compile("[\\x21-\\x7e]{1,256}");

    /** Fields of a record that are not for clients: who reads the answer, and what is copied into it. */
    private static final List<String> INTERNAL = List.of("reply_to", "headers", "created_at");

    private final JsonFields body;

    private CallFields(JsonFields body) {
        this.body = body;
    }

    static CallFields parse(byte[] bytes) throws ApiException {
        try {
            JsonFields body = JsonFields.parse(bytes);
            body.object().remove(INTERNAL);
            return new CallFields(body);
        } catch (MalformedRecordException e) {
            throw ApiException.of(e);
        }
    }

    JsonFields body() {
        return body;
    }

    /** Takes a field out, as it is read here and not by the engine. */
    boolean takeFlag(String name) throws MalformedRecordException {
        boolean flag = body.flag(name, false);
        body.object().remove(name);
        return flag;
    }

    /**
     * What the client calls the request: the header's word, else the body's, else a random one.
     *
     * @param header {@code X-Request-Id}, or null
     */
    String requestId(String header) throws MalformedRecordException, ApiException {
        String given = header != null ? header : body.text("request_id");
        if (given == null) {
            return UUID.randomUUID().toString().replace("-", "");
        }
        if (!ID.matcher(given).matches()) {
            throw ApiException.badRequest(
                    "request_id must be 1 to 256 visible ASCII characters, got " + given.length() + " characters",
                    "request_id");
        }
        return given;
    }

    /**
     * The name that the answer tells, the first of those served.
     *
     * @param served names by which the model may be asked for; empty if none is known yet, and then the engine decides
     */
    String model(List<String> served) throws MalformedRecordException, ApiException {
        String text = body.text("model");
        String asked = text == null ? "" : text; // as in vLLM, an empty name asks for none
        if (served.isEmpty()) {
            return asked;
        }
        if (!asked.isEmpty() && !served.contains(asked)) {
            throw new ApiException(ApiError.noSuchModel(asked));
        }
        return served.get(0);
    }

    /** Whether the answer is streamed; says which fields do not go with that, or not without. */
    boolean stream() throws MalformedRecordException, ApiException {
        boolean stream = body.flag("stream", false);
        JsonFields options = body.fields("stream_options");
        if (options != null && !options.object().isEmpty() && !stream) {
            throw ApiException.badRequest("Stream options can only be defined when `stream=True`.", "stream_options");
        }
        Integer promptLogprobs = body.integer("prompt_logprobs");
        if (promptLogprobs != null && promptLogprobs < -1) {
            throw ApiException.badRequest("`prompt_logprobs` must be a positive value or -1.", "prompt_logprobs");
        }
        if (stream && promptLogprobs != null && promptLogprobs != 0) {
            throw ApiException.badRequest("`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs");
        }
        return stream;
    }

    boolean includeUsage(AnswerStyle style) throws MalformedRecordException {
        JsonFields options = body.fields("stream_options");
        return style.forceUsage() || options != null && options.flag("include_usage", true);
    }

    boolean continuousUsage(AnswerStyle style) throws MalformedRecordException {
        JsonFields options = body.fields("stream_options");
        return includeUsage(style) && options != null && options.flag("continuous_usage_stats", false);
    }

    int choices() throws MalformedRecordException {
        Integer n = body.integer("n");
        return n == null ? 1 : n;
    }

    boolean tokensAsIds(AnswerStyle style) throws MalformedRecordException {
        return body.flag("return_tokens_as_token_ids", style.tokensAsIds());
    }
}

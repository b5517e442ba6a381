package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Which of OpenAI's two interfaces is asked. */
enum Backend {
    VLLM("vllm", "completions"),
    OPENAI("openai", "completions"),
    OPENAI_CHAT("openai-chat", "chat/completions");

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final String flag;
    private final String path;

    Backend(String flag, String path) {
        this.flag = flag;
        this.path = path;
    }

    boolean isChat() {
        return this == OPENAI_CHAT;
    }

    String defaultEndpoint() {
        return "/v1/" + path;
    }

    /** What every address of this interface ends with. */
    String path() {
        return path;
    }

    /** The body that asks for a streamed answer and its usage. */
    ObjectNode body(String model, LoadRequest request) {
        ObjectNode body = NODES.objectNode().put("model", model);
        if (isChat()) {
            body.set("messages", messages(request));
            body.put("max_completion_tokens", request.outputLen());
        } else {
            body.set("prompt", request.prompt());
            body.put("repetition_penalty", 1.0).put("max_tokens", request.outputLen());
        }
        body.put("stream", true).putObject("stream_options").put("include_usage", true);
        return body;
    }

    /** The text of a chunk's first choice; empty where it has none, as a chunk that names the role alone. */
    String text(JsonNode choice) {
        JsonNode text = isChat() ? choice.path("delta").path("content") : choice.path("text");
        return text.asText("");
    }

    private static JsonNode messages(LoadRequest request) {
        if (request.hasMessages()) {
            return request.prompt();
        }
        ArrayNode content = NODES.arrayNode();
        if (request.prompt() instanceof ArrayNode parts) {
            content.addAll(parts);
        } else {
            content.addObject().put("type", "text").set("text", request.prompt());
        }
        content.addAll(request.media());
        ArrayNode messages = NODES.arrayNode();
        messages.addObject().put("role", "user").set("content", content);
        return messages;
    }

    @Override
    public String toString() {
        return flag;
    }

    /** Reads a backend's name. */
    static final class Converter extends OneOf<Backend> {
        Converter() {
            super(values());
        }
    }
}

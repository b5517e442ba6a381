package dev.millrace.bench.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** What a server says went wrong. */
public final class ServerError {

    private static final ObjectMapper JSON = new ObjectMapper();

    private ServerError() {}

    static String message(JsonNode answer) {
        JsonNode error = answer.path("error");
        return error.has("message") ? error.path("message").asText() : error.toString();
    }

    /** Of a body that is OpenAI's error object, or anything else. */
    public static String message(int status, String body) {
        String message = body;
        try {
            JsonNode json = JSON.readTree(body);
            message = json.has("error") ? message(json) : body;
        } catch (JsonProcessingException e) {
            return "HTTP %d: %s".formatted(status, body); // a proxy's page, say
        }
        return "HTTP %d: %s".formatted(status, message);
    }
}

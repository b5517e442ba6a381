package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.EventError;

/**
 * An error as clients of OpenAI's API read it: {@code {"error": {"message", "type", "param", "code"}}}. Types and codes are
 * vLLM's ({@code vllm/entrypoints/serve/exception_handling}): the code is the HTTP status.
 *
 * @param param the field at fault, or null
 */
public record ApiError(int status, String type, String message, String param) {

    public static ApiError badRequest(String message, String param) {
        return new ApiError(400, "BadRequestError", message, param);
    }

    /** No such model is served here. */
    public static ApiError noSuchModel(String model) {
        return new ApiError(404, "NotFoundError", "The model `" + model + "` does not exist.", "model");
    }

    /** An error that HTTP has a phrase for, which is its type. */
    public static ApiError ofStatus(int status, String phrase, String message) {
        return new ApiError(status, phrase, message, null);
    }

    public static ApiError internal(String message) {
        return new ApiError(500, "InternalServerError", message, null);
    }

    /** Nobody answers at present. */
    public static ApiError unavailable(String message) {
        return ofStatus(503, "Service Unavailable", message);
    }

    /** The error that ended a generation. */
    public static ApiError of(EventError error) {
        return switch (error.getCode()) {
            case "invalid_request_error" -> badRequest(error.getMessage(), error.getParam());
            case "not_found_error" -> new ApiError(404, "NotFoundError", error.getMessage(), error.getParam());
            case "deadline_exceeded_error" -> new ApiError(
                    504, "Gateway Timeout", error.getMessage(), error.getParam());
            default -> new ApiError(500, "InternalServerError", error.getMessage(), error.getParam());
        };
    }

    public ObjectNode toJson() {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("error")
                .put("message", message)
                .put("type", type)
                .put("param", param)
                .put("code", status);
        return body;
    }
}

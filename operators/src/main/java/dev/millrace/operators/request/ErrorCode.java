package dev.millrace.operators.request;

import dev.millrace.schemas.EventError;

/** Why a request was not answered: the words that programs may rely on. */
public enum ErrorCode {
    /** The request, or something it refers to, cannot be used; vLLM's BadRequestError, HTTP 400. */
    INVALID_REQUEST("invalid_request_error"),
    /** It asks for a model that is not served; vLLM's NotFoundError, HTTP 404. */
    NOT_FOUND("not_found_error"),
    /** Its deadline passed; HTTP 504. */
    DEADLINE_EXCEEDED("deadline_exceeded_error"),
    /** The fault is ours and only this request's; vLLM's InternalServerError, HTTP 500. */
    INTERNAL("internal_server_error");

    private final String word;

    ErrorCode(String word) {
        this.word = word;
    }

    /**
     * The error as an event carries it.
     *
     * @param param the field at fault, or null
     */
    public EventError error(String message, String param) {
        return EventError.newBuilder()
                .setCode(word)
                .setMessage(message)
                .setParam(param)
                .build();
    }
}

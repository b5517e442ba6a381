package dev.millrace.gateway.openai;

import dev.millrace.schemas.MalformedRecordException;

/** A call that cannot be taken. */
public final class ApiException extends Exception {

    private final transient ApiError error;

    public ApiException(ApiError error) {
        super(error.message());
        this.error = error;
    }

    static ApiException badRequest(String message, String param) {
        return new ApiException(ApiError.badRequest(message, param));
    }

    static ApiException of(MalformedRecordException e) {
        return badRequest(e.getMessage(), e.param());
    }

    public ApiError error() {
        return error;
    }
}

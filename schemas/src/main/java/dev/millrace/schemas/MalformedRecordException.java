package dev.millrace.schemas;

import java.io.IOException;

/** A record's bytes that make no sense; the message says what came, where, and what is expected. */
public final class MalformedRecordException extends IOException {

    private final String param;

    /**
     * @param param the field at fault, or null
     */
    public MalformedRecordException(String message, String param) {
        super(message);
        this.param = param;
    }

    public MalformedRecordException(String message, Throwable cause) {
        super(message, cause);
        this.param = null;
    }

    /** The field at fault, or null. */
    public String param() {
        return param;
    }

    /** The same as the event that answers the record. */
    public EventError toEventError() {
        return EventError.newBuilder()
                .setCode("invalid_request_error")
                .setMessage(getMessage())
                .setParam(param)
                .build();
    }
}

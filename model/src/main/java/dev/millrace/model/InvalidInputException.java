package dev.millrace.model;

/** A user's input that cannot be used. It fails alone; the message says what was asked, what came and what is allowed. */
public class InvalidInputException extends RuntimeException {

    private final String param;

    /**
     * @param param the field at fault, or null
     */
    public InvalidInputException(String message, String param) {
        super(message);
        this.param = param;
    }

    public InvalidInputException(String message, String param, Throwable cause) {
        super(message, cause);
        this.param = param;
    }

    public String param() {
        return param;
    }
}

package dev.millrace.gateway;

/** What is needed to answer is not there at present; the client may try again (503). */
public final class UnavailableException extends Exception {

    public UnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}

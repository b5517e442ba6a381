package dev.millrace.model.checkpoint;

/** A checkpoint that cannot be used; says which file or tensor, what was found and what was expected. */
public class CheckpointException extends RuntimeException {

    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}

package dev.millrace.gateway;

import dev.millrace.schemas.EventError;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;

/**
 * Hears what becomes of one request, on one thread after another, never on two at once. Does not wait: all requests of an
 * instance share the thread. {@link #onEnd} or {@link #onFailure} comes last, exactly one of them.
 */
public interface GenerationListener {

    /**
     * Some tokens of one answer, or its end: in order within an answer, each token once, the finish reason once for each answer.
     * With the finish reason {@code ERROR} comes the error that ended the whole request.
     */
    void onEvent(TokenEvent event);

    /**
     * After a restart an answer came out otherwise than it was heard before. What was heard stands; the events that follow go on
     * behind it, out of the new answer.
     *
     * @param choice which of the answers
     * @param error code {@code replay_diverged}, and where
     */
    void onDiverged(int choice, EventError error);

    /**
     * Every answer has ended.
     *
     * @param usage what they took; null if the request was refused
     */
    void onEnd(Usage usage);

    /**
     * The request failed on its way: {@link UnavailableException} if it could not be sent or this instance closes,
     * {@link java.util.concurrent.TimeoutException} if no end came in time,
     * {@link dev.millrace.model.InvalidInputException} if its record is too large. It was cancelled, if it may have been sent.
     */
    void onFailure(Throwable cause);
}

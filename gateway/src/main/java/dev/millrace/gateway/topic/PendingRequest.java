package dev.millrace.gateway.topic;

import dev.millrace.gateway.GenerationListener;
import dev.millrace.gateway.UnavailableException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One outstanding request: how much of each answer its listener has heard. It ends once, by whoever comes first: its last
 * event, a failure or a cancel.
 */
final class PendingRequest {

    private final String id;
    private final Instant createdAt;
    private final Instant deadline;
    private final GenerationListener listener;
    private final Runnable onEnd;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final Map<Integer, Answer> answers = new HashMap<>();
    private final Map<Integer, Integer> divergedIn = new HashMap<>();
    private boolean sent;

    /**
     * @param onEnd forgets it; runs once, before the listener hears of the end
     */
    PendingRequest(PromptRequest request, GenerationListener listener, Runnable onEnd) {
        this.id = request.getRequestId();
        this.createdAt = request.getCreatedAt();
        this.deadline = request.getDeadline();
        this.listener = listener;
        this.onEnd = onEnd;
    }

    String id() {
        return id;
    }

    Instant createdAt() {
        return createdAt;
    }

    /** Its own, or null. */
    Instant deadline() {
        return deadline;
    }

    /** Whether it may be in the prompt topic; for the thread that sends. */
    boolean wasSent() {
        return sent;
    }

    void markSent() {
        sent = true;
    }

    boolean hasEnded() {
        return ended.get();
    }

    /** Tells the listener what is new in an event; false if some before it were not seen, so that nothing can follow. */
    synchronized boolean tryHear(TokenEvent event) {
        AnswerUpdate update = answers.computeIfAbsent(event.getChoice(), choice -> new Answer())
                .accept(event);
        if (update.event() == null) {
            fail(new UnavailableException(update.fault().getMessage(), null));
            return false;
        }
        if (update.fault() != null && isFirstOfAttempt(event) && !hasEnded()) {
            listener.onDiverged(event.getChoice(), update.fault());
        }
        if (update.isNews() && !hasEnded()) {
            listener.onEvent(update.event());
        }
        if (isLast(event) && tryEnd()) {
            listener.onEnd(event.getUsage());
        }
        return true;
    }

    /** Usage comes with the last event of all answers, and an error ends all of them. */
    private static boolean isLast(TokenEvent event) {
        return event.getUsage() != null || event.getError() != null;
    }

    private boolean isFirstOfAttempt(TokenEvent event) {
        Integer before = divergedIn.put(event.getChoice(), event.getAttempt());
        return before == null || before != event.getAttempt();
    }

    /** Tells the listener that nothing more comes; false if it has ended already. */
    synchronized boolean fail(Throwable cause) {
        boolean first = tryEnd();
        if (first) {
            listener.onFailure(cause);
        }
        return first;
    }

    /** Ends it without a word; false if it has ended already. */
    boolean tryEnd() {
        boolean first = ended.compareAndSet(false, true);
        if (first) {
            onEnd.run();
        }
        return first;
    }
}

package dev.millrace.gateway;

import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.PromptRequest;
import java.time.Duration;

/** Has prompts answered by the job. Safe for use by several threads; no method but {@link #drain} and {@link #close} waits. */
public interface Generations extends AutoCloseable {

    /**
     * Sends a request. What happens to it the listener hears, also that it could not be sent.
     *
     * @param request its id is unique among those outstanding, of other instances too; {@code reply_to} is set here
     * @throws TooManyRequestsException if as many of this instance's requests are outstanding as may be
     * @throws InvalidInputException if the id cannot be used
     * @throws IllegalStateException once {@link #drain} or {@link #close} was called
     */
    Generation submit(PromptRequest request, GenerationListener listener) throws TooManyRequestsException;

    /** Requests submitted here that have not ended. */
    int pending();

    /** Most of these that there may be. */
    int maxPending();

    /** What the job's subtasks said of themselves lately. */
    ServerStatus status();

    /**
     * Takes no further requests and waits for those outstanding.
     *
     * @return whether all have ended in time
     */
    boolean drain(Duration patience) throws InterruptedException;

    /** Cancels what is outstanding, tells its listeners and gives all resources back. */
    @Override
    void close();
}

package dev.millrace.gateway.topic;

import dev.millrace.gateway.UnavailableException;
import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.TokenEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands what was read to whom it concerns, and ends requests whose time is over. */
final class Dispatch implements EventReader.Listener {

    private static final Logger LOG = LoggerFactory.getLogger(Dispatch.class);

    /** How long after a deadline the job's own word that it has passed is waited for. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    private final PendingRequests pending;
    private final StatusBoard board;
    private final Consumer<PendingRequest> cancel;

    /** @param cancel has the job give up a request that has ended here */
    Dispatch(PendingRequests pending, StatusBoard board, Consumer<PendingRequest> cancel) {
        this.pending = pending;
        this.board = board;
        this.cancel = cancel;
    }

    @Override
    public void onEvent(TokenEvent event) {
        PendingRequest request = find(event);
        if (request == null) {
            return; // it has ended, and this is what was on its way or a restart repeats
        }
        try {
            if (!request.tryHear(event)) {
                cancel.accept(request);
            }
        } catch (RuntimeException e) {
            LOG.error("event of request {} could not be handled; the fault is ours", request.id(), e);
            fail(request, e);
        }
    }

    /** An id that another request has at present is refused under the record's place; the request's own id is in the headers. */
    private PendingRequest find(TokenEvent event) {
        PendingRequest request = pending.find(event.getRequestId());
        String id = event.getHeaders().get(Headers.REQUEST_ID);
        return request != null || id == null ? request : pending.find(id);
    }

    @Override
    public void onStatus(EngineStatus status) {
        board.accept(status);
    }

    @Override
    public void onTick() {
        Instant overdue = Instant.now().minus(GRACE);
        failAll(request -> request.deadline() != null && request.deadline().isBefore(overdue)
                ? new TimeoutException("no end of the answer came by the deadline " + request.deadline())
                : null);
    }

    @Override
    public void onInterruption(UnavailableException cause) {
        failAll(request -> cause);
    }

    /** Ends those outstanding that there is a cause for. */
    void failAll(Function<PendingRequest, Throwable> causes) {
        for (PendingRequest request : pending.all()) {
            Throwable cause = causes.apply(request);
            if (cause != null) {
                fail(request, cause);
            }
        }
    }

    private void fail(PendingRequest request, Throwable cause) {
        if (request.fail(cause)) {
            cancel.accept(request);
        }
    }
}

package dev.millrace.operators;

import dev.millrace.operators.state.RequestHeader;
import dev.millrace.operators.state.RequestSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Work;
import java.time.Instant;
import java.util.concurrent.Future;

/** An unfinished request: what is to be done for it, then the answers in the making. Belongs to the task's thread. */
final class TrackedRequest {

    private final RequestHeader header;
    private final long arrival;
    private final Instant arrivedAt;
    private final long arrivedNanos;

    private Work work;
    private Choices choices;
    private long contentBytes;
    private boolean ended;
    private Future<?> deadlineTimer;

    /**
     * @param arrivedNanos {@link System#nanoTime} at its arrival
     */
    TrackedRequest(RequestHeader header, long arrival, Instant arrivedAt, long arrivedNanos, Work work) {
        this.header = header;
        this.arrival = arrival;
        this.arrivedAt = arrivedAt;
        this.arrivedNanos = arrivedNanos;
        this.work = work;
        this.contentBytes = ContentSize.of(work);
    }

    RequestHeader header() {
        return header;
    }

    String id() {
        return header.requestId();
    }

    long arrival() {
        return arrival;
    }

    Instant arrivedAt() {
        return arrivedAt;
    }

    long arrivedNanos() {
        return arrivedNanos;
    }

    /** What is to be prepared; only until it is. */
    Work work() {
        return work;
    }

    /** The answers in the making; null until the request is prepared. */
    Choices choices() {
        return choices;
    }

    /** Bytes that are kept for it. */
    long contentBytes() {
        return contentBytes;
    }

    boolean ended() {
        return ended;
    }

    /** Is prepared: from now on its state is that of its answers. */
    void begin(Choices begun) {
        choices = begun;
        work = null;
        contentBytes = begun.prepared().contentBytes();
    }

    void endAt(Future<?> timer) {
        deadlineTimer = timer;
    }

    void end() {
        ended = true;
        if (deadlineTimer != null) {
            deadlineTimer.cancel(false);
        }
    }

    RequestSnapshot snapshot() {
        return new RequestSnapshot(header, arrival, arrivedAt, choices == null ? work : choices.snapshot());
    }
}

package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.operators.request.ErrorCode;
import dev.millrace.operators.request.ModelNotFoundException;
import dev.millrace.operators.state.RequestSnapshot.Work;
import dev.millrace.schemas.EventError;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns the threads that prepare requests, and who is next. Results come back as mails. Decoded pixels are many times
 * larger than the files, so no further request is prepared while those that are prepared hold as many as allowed.
 *
 * <p>A fault of ours that one request brings about fails that request, not the task: after a restart it would only come
 * again. What the Java machine itself reports fails the task.
 */
final class PreparationPool implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PreparationPool.class);

    private final Function<Work, PreparedRequest> preparer;
    private final int threads;
    private final long maxHeldBytes;
    private final Mails mails;
    private final Results results;
    private final ExecutorService workers;
    private final Queue<TrackedRequest> waiting;

    private int active;
    private long heldBytes;

    /** Hears how preparations went, on the task's thread. Not called for requests that ended meanwhile. */
    interface Results {
        void prepared(TrackedRequest request, PreparedRequest prepared);

        void refused(TrackedRequest request, EventError error);
    }

    /**
     * @param preparer used by all threads at once
     * @param order which of two waiting requests goes first
     * @param maxHeldBytes bytes of decoded pixels and grammars at which no further request is prepared
     */
    PreparationPool(
            String name,
            Function<Work, PreparedRequest> preparer,
            int threads,
            long maxHeldBytes,
            Comparator<TrackedRequest> order,
            Mails mails,
            Results results) {
        this.preparer = preparer;
        this.threads = threads;
        this.maxHeldBytes = maxHeldBytes;
        this.mails = mails;
        this.results = results;
        this.waiting = new PriorityQueue<>(order);
        var number = new AtomicInteger();
        this.workers = Executors.newFixedThreadPool(threads, task -> {
            var thread = new Thread(task, name + "-" + number.getAndIncrement());
            thread.setDaemon(true);
            return thread;
        });
    }

    void submit(TrackedRequest request) {
        waiting.add(request);
        startNext();
    }

    /** A prepared request ended; its pixels and its grammar are gone. */
    void release(PreparedRequest prepared) {
        heldBytes -= prepared.heldBytes();
        startNext();
    }

    /** Requests that are not prepared yet. */
    int pending() {
        return waiting.size() + active;
    }

    private void startNext() {
        while (active < threads && heldBytes < maxHeldBytes && !waiting.isEmpty()) {
            TrackedRequest next = waiting.remove();
            if (!next.ended()) {
                active++;
                Work work = next.work();
                workers.execute(() -> prepare(next, work));
            }
        }
    }

    private void prepare(TrackedRequest request, Work work) {
        try {
            PreparedRequest prepared = preparer.apply(work);
            mails.post(() -> done(request, prepared), "take in a prepared request");
        } catch (InvalidInputException e) {
            ErrorCode code = e instanceof ModelNotFoundException ? ErrorCode.NOT_FOUND : ErrorCode.INVALID_REQUEST;
            refuse(request, code.error(e.getMessage(), e.param()));
        } catch (CancellationException e) {
            LOG.debug("request {} is not prepared, as the task ends", request.id(), e);
        } catch (RuntimeException | StackOverflowError | LinkageError e) {
            LOG.error("request {} could not be prepared; the fault is ours", request.id(), e);
            refuse(request, ErrorCode.INTERNAL.error("the request could not be prepared: " + e, null));
        } catch (Error e) {
            mails.fail("preparing request " + request.id() + " broke the task", e);
        }
    }

    private void refuse(TrackedRequest request, EventError error) {
        mails.post(
                () -> {
                    active--;
                    if (!request.ended()) {
                        results.refused(request, error);
                    }
                    startNext();
                },
                "answer a request that cannot be prepared");
    }

    private void done(TrackedRequest request, PreparedRequest prepared) {
        active--;
        if (!request.ended()) {
            heldBytes += prepared.heldBytes();
            results.prepared(request, prepared);
        }
        startNext();
    }

    /** Stops at once and returns when no thread is left, even if this one is interrupted: nothing may outlive its task. */
    @Override
    public void close() {
        workers.shutdownNow();
        boolean interrupted = false;
        boolean terminated = false;
        while (!terminated) {
            try {
                terminated = workers.awaitTermination(10, TimeUnit.SECONDS);
                if (!terminated) {
                    LOG.warn("waiting for preparations to notice that the task ends");
                }
            } catch (InterruptedException e) {
                interrupted = true; // told to the caller once all is done
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

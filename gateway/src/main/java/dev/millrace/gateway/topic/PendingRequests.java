package dev.millrace.gateway.topic;

import dev.millrace.gateway.GenerationListener;
import dev.millrace.gateway.TooManyRequestsException;
import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.PromptRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** The requests of this instance that have not ended, and no more of them than may be. */
final class PendingRequests {

    /** Most characters of an id: it goes into every event of the answer. */
    static final int MAX_ID = 512;

    private final int max;
    private final Semaphore free;
    private final Map<String, PendingRequest> byId = new ConcurrentHashMap<>();

    PendingRequests(int max) {
        this.max = max;
        this.free = new Semaphore(max);
    }

    PendingRequest add(PromptRequest request, GenerationListener listener) throws TooManyRequestsException {
        String id = request.getRequestId();
        if (id.isEmpty() || id.length() > MAX_ID) {
            throw new InvalidInputException(
                    "request_id has " + id.length() + " characters; 1 to " + MAX_ID + " are allowed", "request_id");
        }
        if (!free.tryAcquire()) {
            throw new TooManyRequestsException(max);
        }
        PendingRequest pending = new PendingRequest(request, listener, () -> remove(id));
        if (byId.putIfAbsent(id, pending) != null) {
            free.release();
            throw new InvalidInputException(
                    "request_id \"" + id + "\" is that of a request that is being answered; use another", "request_id");
        }
        return pending;
    }

    private void remove(String id) {
        byId.remove(id);
        free.release();
    }

    /** The request of an id, or null. */
    PendingRequest find(String id) {
        return byId.get(id);
    }

    List<PendingRequest> all() {
        return List.copyOf(byId.values());
    }

    int size() {
        return max - free.availablePermits();
    }

    /** Waits until none is left; false if some are left then. */
    boolean awaitNone(Duration patience) throws InterruptedException {
        boolean none = free.tryAcquire(max, patience.toNanos(), TimeUnit.NANOSECONDS);
        if (none) {
            free.release(max);
        }
        return none;
    }
}

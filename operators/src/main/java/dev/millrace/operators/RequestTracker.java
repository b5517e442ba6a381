package dev.millrace.operators;

import dev.millrace.operators.Cancel.Target;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.operators.state.RequestSnapshot;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Owns the set of unfinished requests, in order of arrival, and keeps the gate closed while there are too many of them or
 * they hold too many bytes. Restored requests may exceed the limits; they only keep the gate closed.
 */
final class RequestTracker {

    private final QueueLimits limits;
    private final AdmissionGate gate;
    private final Map<String, TrackedRequest> unfinished = new LinkedHashMap<>();

    private long nextArrival;
    private long contentBytes;

    RequestTracker(QueueLimits limits, AdmissionGate gate) {
        this.limits = limits;
        this.gate = gate;
    }

    /** The number that the next request to arrive gets. */
    long nextArrival() {
        return nextArrival++;
    }

    /** Takes a request in; false if another of the same id is unfinished. */
    boolean tryAdd(TrackedRequest request) {
        if (unfinished.putIfAbsent(request.id(), request) != null) {
            return false;
        }
        contentBytes += request.contentBytes();
        updateGate();
        return true;
    }

    /** The unfinished request of an id, or null. */
    TrackedRequest find(String id) {
        return unfinished.get(id);
    }

    /** Those that a cancel is about. */
    List<TrackedRequest> unfinished(Cancel cancel) {
        Collection<TrackedRequest> named = cancel.target() == Target.REQUEST
                ? Optional.ofNullable(find(cancel.name())).stream().toList()
                : unfinished.values();
        return named.stream().filter(request -> Cancels.cover(cancel, request)).toList();
    }

    /** Has a request begun its answers, whose bytes take the place of the request's. */
    void begin(TrackedRequest request, Choices choices) {
        contentBytes -= request.contentBytes();
        request.begin(choices);
        contentBytes += request.contentBytes();
        updateGate();
    }

    /** Forgets a request that was answered. */
    void end(TrackedRequest request) {
        request.end();
        unfinished.remove(request.id());
        contentBytes -= request.contentBytes();
        updateGate();
    }

    int size() {
        return unfinished.size();
    }

    boolean isEmpty() {
        return unfinished.isEmpty();
    }

    /** All of them as a checkpoint keeps them. */
    List<RequestSnapshot> snapshots() {
        return unfinished.values().stream().map(TrackedRequest::snapshot).toList();
    }

    private void updateGate() {
        gate.setClosed(unfinished.size() >= limits.requests() || contentBytes >= limits.bytes());
        gate.setIdle(unfinished.isEmpty());
    }
}

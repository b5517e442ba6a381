package dev.millrace.operators;

import dev.millrace.operators.Cancel.Target;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Cancels of requests that may still come: each until it expires, the latest {@value #MOST}. They are not part of the state; a
 * restarted task hears of them again.
 */
final class Cancels {

    static final int MOST = 1 << 16;

    private record Key(Target target, String name) {}

    private final Map<Key, Cancel> remembered = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Cancel> eldest) {
            return size() > MOST;
        }
    };

    void remember(Cancel cancel) {
        remembered.merge(new Key(cancel.target(), cancel.name()), cancel, Cancels::later);
    }

    private static Cancel later(Cancel one, Cancel other) {
        return other.at().isBefore(one.at()) ? one : other;
    }

    /** Whether a request that arrives now was given up before. */
    boolean cover(TrackedRequest request, Instant now) {
        return covers(Target.REQUEST, request.id(), request, now)
                || covers(Target.READER, request.header().replyTo(), request, now);
    }

    private boolean covers(Target target, String name, TrackedRequest request, Instant now) {
        Cancel cancel = remembered.get(new Key(target, name));
        return cancel != null && cancel.expiresAt().isAfter(now) && cover(cancel, request);
    }

    /** Whether a cancel is about this request: one made later under the same name is another. */
    static boolean cover(Cancel cancel, TrackedRequest request) {
        Instant created = request.header().createdAt();
        Instant made = created.isBefore(request.arrivedAt()) ? created : request.arrivedAt();
        String name = cancel.target() == Target.REQUEST
                ? request.id()
                : request.header().replyTo();
        return cancel.name().equals(name) && !made.isAfter(cancel.at());
    }
}

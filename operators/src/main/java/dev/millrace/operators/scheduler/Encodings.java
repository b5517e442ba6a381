package dev.millrace.operators.scheduler;

import dev.millrace.model.executor.EncoderBatch;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Owns what is to be encoded and what is being encoded: how much goes together, how much at a time, and in which order. */
final class Encodings {

    private final int budget;
    private final int mostInFlight;
    private final Deque<List<MediaEntry>> inFlight = new ArrayDeque<>();
    private List<MediaEntry> pending = new ArrayList<>();
    private int pendingRows;
    private long taken;

    Encodings(int budget, int mostInFlight) {
        this.budget = budget;
        this.mostInFlight = mostInFlight;
    }

    /** Whether an item of so many rows may go with the next encoding. */
    boolean mayAdd(int rows) {
        return inFlight.size() < mostInFlight && (pendingRows == 0 || pendingRows + rows <= budget);
    }

    void add(MediaEntry entry) {
        pending.add(entry);
        pendingRows += entry.rows.length;
    }

    /** What was added since the last call; from here on it is in flight. */
    Optional<EncoderBatch> tryTake() {
        if (pending.isEmpty()) {
            return Optional.empty();
        }
        var batch = new EncoderBatch(
                taken++, pending.stream().map(MediaEntry::takeInput).toList());
        inFlight.add(pending);
        pending = new ArrayList<>();
        pendingRows = 0;
        return Optional.of(batch);
    }

    /** The items of the oldest encoding in flight, which is done. */
    List<MediaEntry> complete(long encoding) {
        long oldest = taken - inFlight.size();
        if (inFlight.isEmpty() || encoding != oldest) {
            throw new IllegalStateException("encoding " + oldest + " is the oldest, but " + encoding + " came");
        }
        inFlight.element().forEach(MediaEntry::markEncoded);
        return inFlight.remove();
    }

    boolean isIdle() {
        return inFlight.isEmpty() && pending.isEmpty();
    }

    /** Everything to be encoded or being encoded. */
    Stream<MediaEntry> entries() {
        return Stream.concat(pending.stream(), inFlight.stream().flatMap(List::stream));
    }
}

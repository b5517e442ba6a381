package dev.millrace.gateway.topic;

import dev.millrace.gateway.ServerStatus;
import dev.millrace.schemas.EngineStatus;
import java.time.Duration;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/** The latest word of each subtask, and how long ago it was heard. */
final class StatusBoard {

    /** A subtask speaks once a second; one that was not heard for so long is down. */
    static final Duration LATELY = Duration.ofSeconds(5);

    private record Heard(EngineStatus status, long nanos) {}

    private final LongSupplier clock;
    private final TreeMap<Integer, Heard> subtasks = new TreeMap<>();
    private EngineStatus latest;

    /** @param clock in nanoseconds */
    StatusBoard(LongSupplier clock) {
        this.clock = clock;
    }

    synchronized void accept(EngineStatus status) {
        latest = status;
        subtasks.put(status.getSubtask(), new Heard(status, clock.getAsLong()));
        subtasks.tailMap(status.getParallelism()).clear(); // of a job that had more
    }

    synchronized ServerStatus status() {
        long now = clock.getAsLong();
        subtasks.values().removeIf(heard -> now - heard.nanos() > LATELY.toNanos());
        return new ServerStatus(subtasks.values().stream().map(Heard::status).toList(), latest);
    }
}

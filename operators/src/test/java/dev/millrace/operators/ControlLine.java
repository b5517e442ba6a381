package dev.millrace.operators;

import dev.millrace.operators.Cancel.Target;
import dev.millrace.schemas.EngineStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The test at the other end of a subtask's line. */
final class ControlLine implements Control {

    /** The line that was opened last. */
    private static ControlLine opened;

    final List<EngineStatus> words = new ArrayList<>();
    private final Listener listener;

    private ControlLine(Listener listener) {
        this.listener = listener;
    }

    static Factory factory() {
        return listener -> {
            opened = new ControlLine(listener);
            return opened;
        };
    }

    static ControlLine opened() {
        return opened;
    }

    /** Gives up a request that was made no later than {@code at}, in milliseconds. */
    void cancel(String id, long at) {
        cancel(new Cancel(Target.REQUEST, id, Instant.ofEpochMilli(at), Instant.ofEpochMilli(1_000_000)));
    }

    void cancel(Cancel... cancels) {
        listener.cancelled(List.of(cancels));
    }

    @Override
    public void publish(EngineStatus status) {
        words.add(status);
    }

    @Override
    public void close() {
        opened = null;
    }
}

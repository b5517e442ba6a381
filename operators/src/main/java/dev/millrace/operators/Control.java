package dev.millrace.operators;

import dev.millrace.schemas.EngineStatus;
import java.io.Serializable;
import java.util.List;

/** A subtask's line to those who ask: it hears what they give up, and tells them how it is. Works on threads of its own. */
public interface Control extends AutoCloseable {

    /** A line to nobody. */
    Factory NONE = listener -> new Control() {
        @Override
        public void publish(EngineStatus status) {}

        @Override
        public void close() {}
    };

    /** Tells how the subtask is; does not wait, and only the latest word counts. */
    void publish(EngineStatus status);

    @Override
    void close();

    /** Hears on the line's threads. */
    interface Listener {

        /** Some requests are given up. Each cancel that is not too old is told at least once to each attempt of the task. */
        void cancelled(List<Cancel> cancels);

        /** The line broke by a fault of ours. */
        void failed(Throwable cause);
    }

    /** Travels inside the job to where the work is done. */
    interface Factory extends Serializable {

        /** Opens the line; returns at once. */
        Control open(Listener listener);
    }
}

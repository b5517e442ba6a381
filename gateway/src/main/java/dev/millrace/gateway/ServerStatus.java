package dev.millrace.gateway;

import dev.millrace.schemas.EngineStatus;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * What the job's subtasks said of themselves.
 *
 * @param subtasks the latest word of each that was heard of lately, by number; empty while the job is down
 * @param latest the latest word of any, however old; null if none was ever heard
 */
public record ServerStatus(List<EngineStatus> subtasks, EngineStatus latest) {

    public static final ServerStatus NOTHING_HEARD = new ServerStatus(List.of(), null);

    /** Whether any subtask was heard of lately. */
    public boolean isAlive() {
        return !subtasks.isEmpty();
    }

    /** Names of the model, the first one its own; empty if no subtask was ever heard. */
    public List<String> modelNames() {
        return latest == null ? List.of() : latest.getModelNames();
    }

    /** Answers that are being generated. */
    public int running() {
        return sum(EngineStatus::getRunning);
    }

    /** Answers that wait for room. */
    public int waiting() {
        return sum(EngineStatus::getWaiting);
    }

    private int sum(ToIntFunction<EngineStatus> count) {
        return subtasks.stream().mapToInt(count).sum();
    }
}

package dev.millrace.operators;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.metrics.MetricGroup;

/**
 * How an inference operator tells the source that it is chained to when to stop reading and when its input may end. A
 * closed gate holds records back without blocking the task, so checkpoints pass.
 *
 * <p>The operator opens the gate of its task attempt before the source starts (operators open from the tail of a chain)
 * and removes it when it closes. Everything but the look-up happens on the task's thread.
 *
 * <p>A source that is chained in front of the operator keeps to three rules: while {@link #isClosed()} it reads nothing
 * and is available no sooner than {@link #whenOpen()}; when its input has ended and not {@link #isIdle()}, it says that
 * nothing is available at present and is available again with {@link #whenIdle()}; it looks its gate up once, when it
 * starts.
 */
public final class AdmissionGate implements AutoCloseable {

    private static final Map<String, AdmissionGate> GATES = new ConcurrentHashMap<>();
    private static final CompletableFuture<Void> NOW = CompletableFuture.completedFuture(null);

    private final String taskAttempt;
    private CompletableFuture<Void> open = NOW;
    private CompletableFuture<Void> idle = NOW;

    private AdmissionGate(String taskAttempt) {
        this.taskAttempt = taskAttempt;
    }

    /**
     * The operator's side: makes the gate of its task.
     *
     * @param taskAttempt the execution attempt's id
     */
    static AdmissionGate create(String taskAttempt) {
        var gate = new AdmissionGate(taskAttempt);
        if (GATES.putIfAbsent(gate.taskAttempt, gate) != null) {
            throw new IllegalStateException("two inference operators are in one chain; put each in a chain of its own");
        }
        return gate;
    }

    /**
     * The source's side: the gate of the operator that is chained to it.
     *
     * @param metrics any metric group of the task
     * @throws IllegalStateException if no inference operator runs in this task
     */
    public static AdmissionGate of(MetricGroup metrics) {
        var gate = GATES.get(metrics.getAllVariables().get("<task_attempt_id>"));
        if (gate == null) {
            throw new IllegalStateException("no inference operator is chained to this source; give both the same"
                    + " parallelism and slot sharing group, put nothing between them and leave chaining on");
        }
        return gate;
    }

    /** Whether the operator has as many requests or bytes as it may hold. */
    public boolean isClosed() {
        return !open.isDone();
    }

    /** Completes when the gate opens; complete while it is open. */
    public CompletableFuture<Void> whenOpen() {
        return open;
    }

    /** Whether every request that passed was answered, so that the input may end. */
    public boolean isIdle() {
        return idle.isDone();
    }

    /** Completes when the last request was answered; complete while there is none. */
    public CompletableFuture<Void> whenIdle() {
        return idle;
    }

    void setClosed(boolean closed) {
        open = renew(open, !closed);
    }

    void setIdle(boolean nothingLeft) {
        idle = renew(idle, nothingLeft);
    }

    /** The operator's side: forgets the gate. */
    @Override
    public void close() {
        GATES.remove(taskAttempt, this);
    }

    private static CompletableFuture<Void> renew(CompletableFuture<Void> future, boolean done) {
        if (done) {
            future.complete(null);
            return future;
        }
        return future.isDone() ? new CompletableFuture<>() : future;
    }
}

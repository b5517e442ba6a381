package dev.millrace.operators.engine;

import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.sequence.Sequence;

/**
 * The continuous-batching loop: schedule, launch, append, finish. Plain Java, one thread, no locks: whoever owns the
 * engine calls {@link #launchSteps} whenever something may have become possible, and hands each step's output, which the
 * executor's thread brought to {@code completions}, to {@link #complete} on the owner's thread, in order of the steps.
 */
public final class InferenceEngine implements AutoCloseable {

    /**
     * @param completions hears of completed steps on the executor's thread; posts them to the owner's
     * @param listener hears of tokens on the owner's thread
     */
    public InferenceEngine(
            EngineConfig config,
            ModelExecutor executor,
            Tokenizer tokenizer,
            StepListener completions,
            EngineListener listener) {
        throw new UnsupportedOperationException();
    }

    /** Takes a sequence in; it waits for admission. */
    public void add(Sequence sequence) {}

    /** Ends a request's sequences with {@code ABORT}; false if there is none. Their blocks return when nothing of them is in flight. */
    public boolean tryAbort(String requestId) {
        return false;
    }

    /** Launches as many steps as may be in flight; false if there was nothing to launch. */
    public boolean launchSteps() {
        return false;
    }

    /** Handles the output of the oldest step in flight. */
    public void complete(StepOutput output) {}

    /** Whether no sequence waits or runs and no step is in flight. */
    public boolean isIdle() {
        return true;
    }

    /** Counts and gauges since the start, for metrics and the log line. */
    public EngineStats stats() {
        return null;
    }

    /** Waits for the steps in flight and closes the executor. */
    @Override
    public void close() {}
}

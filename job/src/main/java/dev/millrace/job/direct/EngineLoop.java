package dev.millrace.job.direct;

import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.engine.EngineConfig;
import dev.millrace.operators.engine.EngineListener;
import dev.millrace.operators.engine.EngineStats;
import dev.millrace.operators.engine.InferenceEngine;
import dev.millrace.operators.sequence.BeamSearch;
import dev.millrace.operators.sequence.Sequence;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BooleanSupplier;

/**
 * The engine without Flink: the calling thread owns it; the executor's completions, and sequences made on other threads,
 * come as mails.
 */
public final class EngineLoop implements AutoCloseable {

    private final BlockingQueue<Runnable> mailbox = new LinkedBlockingQueue<>();
    private final InferenceEngine engine;

    public EngineLoop(EngineConfig config, ModelExecutor executor, Tokenizer tokenizer, EngineListener listener) {
        this.engine = new InferenceEngine(config, executor, tokenizer, new Completions(), listener);
    }

    /** Hands a sequence over; on any thread. */
    public void submit(Sequence sequence) {
        mailbox.add(() -> engine.add(sequence));
    }

    /** Hands a beam search over; on any thread. */
    public void submit(BeamSearch search) {
        mailbox.add(() -> engine.add(search));
    }

    /** Handles mails until {@code done}. */
    public void runUntil(BooleanSupplier done) throws InterruptedException {
        while (!done.getAsBoolean()) {
            mailbox.take().run();
            for (Runnable mail = mailbox.poll(); mail != null; mail = mailbox.poll()) {
                mail.run();
            }
            engine.launchSteps();
        }
    }

    /** Handles mails until no step is in flight. */
    public void drain() throws InterruptedException {
        while (!engine.isIdle()) {
            mailbox.take().run();
            engine.launchSteps();
        }
    }

    /** Counts and gauges; on the thread that owns the engine. */
    public EngineStats stats() {
        return engine.stats();
    }

    @Override
    public void close() {
        engine.close();
    }

    private final class Completions implements ExecutorListener {
        @Override
        public void completed(StepOutput output) {
            mailbox.add(() -> engine.complete(output));
        }

        @Override
        public void failed(long step, Throwable cause) {
            fail("step " + step + " failed", cause);
        }

        @Override
        public void encoded(long encoding) {
            mailbox.add(() -> engine.encoded(encoding));
        }

        @Override
        public void encodingFailed(long encoding, Throwable cause) {
            fail("encoding " + encoding + " failed", cause);
        }

        private void fail(String message, Throwable cause) {
            mailbox.add(() -> {
                throw new IllegalStateException(message, cause);
            });
        }
    }
}

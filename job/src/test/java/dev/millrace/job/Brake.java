package dev.millrace.job;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.gateway.Generations;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.executor.StepListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** Holds back the steps of this process's executors, so that no answer is further than a test takes it to be. */
final class Brake implements AutoCloseable {

    private static final Set<Braked> EXECUTORS = new HashSet<>(); // guards itself and what follows
    private static int allowed = Integer.MAX_VALUE;

    private Brake() {}

    /** From now on each executor, there or to come, computes so many further steps. */
    static Brake hold(int steps) {
        var brake = new Brake();
        brake.allow(steps);
        return brake;
    }

    /** The same anew. */
    void allow(int steps) {
        synchronized (EXECUTORS) {
            allowed = steps;
            EXECUTORS.forEach(Braked::goOn);
        }
    }

    /** The same once a gateway hears that so many answers have entered the engines. */
    void allow(Generations gateway, int answers, int steps) {
        while (gateway.status().running() + gateway.status().waiting() < answers) {
            LockSupport.parkNanos(10_000_000);
        }
        allow(steps);
    }

    /** Waits until a step is held back. */
    void awaitHeld() throws InterruptedException {
        synchronized (EXECUTORS) {
            while (EXECUTORS.stream().allMatch(executor -> executor.held.isEmpty())) {
                EXECUTORS.wait();
            }
        }
    }

    void release() {
        allow(Integer.MAX_VALUE);
    }

    @Override
    public void close() {
        release();
    }

    /** Opens executors on the CPU that have a brake. */
    record Factory(ModelExecutorFactory executors) implements ModelExecutorFactory {

        Factory() {
            this(new CpuExecutorFactory());
        }

        @Override
        public DefaultLimits defaults(ExecutorConfig config) {
            return executors.defaults(config);
        }

        @Override
        public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) throws IOException {
            var executor = new Braked(executors.open(model, config, limits));
            synchronized (EXECUTORS) {
                EXECUTORS.add(executor);
                executor.goOn();
            }
            return executor;
        }
    }

    private static final class Braked implements ModelExecutor {

        private final ModelExecutor executor;
        private final Queue<Runnable> held = new ArrayDeque<>(); // in the order of the calls, encodings among them
        private int left;

        Braked(ModelExecutor executor) {
            this.executor = executor;
        }

        private void goOn() {
            left = allowed;
            while (!held.isEmpty() && left > 0) {
                held.remove().run();
            }
        }

        @Override
        public void launch(ForwardBatch batch, StepListener listener) {
            call(() -> {
                left--;
                executor.launch(batch, listener);
            });
        }

        @Override
        public void encode(EncoderBatch batch, EncodingListener listener) {
            call(() -> executor.encode(batch, listener));
        }

        private void call(Runnable call) {
            synchronized (EXECUTORS) {
                if (left > 0) {
                    call.run();
                } else {
                    held.add(call);
                    EXECUTORS.notifyAll();
                }
            }
        }

        @Override
        public float[] readMedia(int[] rows) {
            return executor.readMedia(rows);
        }

        @Override
        public int numBlocks() {
            return executor.numBlocks();
        }

        @Override
        public int blockSize() {
            return executor.blockSize();
        }

        @Override
        public int mediaRows() {
            return executor.mediaRows();
        }

        @Override
        public void close() {
            synchronized (EXECUTORS) {
                EXECUTORS.remove(this);
            }
            executor.close();
        }
    }
}

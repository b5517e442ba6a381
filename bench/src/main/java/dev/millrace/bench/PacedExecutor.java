package dev.millrace.bench;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepListener;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * Computes nothing, but takes its time as a device does: one step after another, each as long, whatever is in it, from the
 * end of the one before or from its launch, whichever is later. What is slower than the pace is slow around the device.
 */
final class PacedExecutor implements ModelExecutor {

    private record Launch(ForwardBatch batch, StepListener listener, long time) {}

    private final NullExecutor nothing;
    private final long stepNanos;
    private final BlockingQueue<Launch> launches = new LinkedBlockingQueue<>();
    private final Thread device = new Thread(this::serve, "millrace-paced-device");
    private volatile boolean closed;

    PacedExecutor(int numBlocks, long stepNanos) {
        this.nothing = new NullExecutor(numBlocks);
        this.stepNanos = stepNanos;
        device.setDaemon(true);
        device.start();
    }

    @Override
    public int numBlocks() {
        return nothing.numBlocks();
    }

    @Override
    public int blockSize() {
        return nothing.blockSize();
    }

    @Override
    public int mediaRows() {
        return nothing.mediaRows();
    }

    @Override
    public void launch(ForwardBatch batch, StepListener listener) {
        launches.add(new Launch(batch, listener, System.nanoTime()));
    }

    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        nothing.encode(batch, listener);
    }

    @Override
    public float[] readMedia(int[] rows) {
        return nothing.readMedia(rows);
    }

    @Override
    public void close() {
        closed = true;
        device.interrupt();
        boolean interrupted = false;
        while (device.isAlive()) {
            try {
                device.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve() {
        try {
            long free = System.nanoTime();
            while (!closed) {
                Launch next = launches.take();
                free = Math.max(free, next.time()) + stepNanos;
                waitUntil(free);
                if (!closed) {
                    next.listener().completed(NullExecutor.output(next.batch(), stepNanos));
                }
            }
        } catch (InterruptedException e) {
            closed = true; // only close() interrupts
        }
    }

    private void waitUntil(long time) {
        for (long left = time - System.nanoTime(); left > 0 && !closed; left = time - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}

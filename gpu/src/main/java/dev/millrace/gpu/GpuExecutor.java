package dev.millrace.gpu;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.FatalCudaError;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.Probe;
import dev.millrace.model.executor.Probeable;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Computes steps and encodes media on a GPU. One thread launches steps in order, ahead of the device by as many as there are
 * slots; another waits for each and tells its listener. A third does the encodings one by one, beside the steps. After one
 * failed, so do all that follow it, because what they build on is gone.
 */
final class GpuExecutor implements ModelExecutor, Probeable {

    private static final Runnable STOP = () -> {};

    private final Device device;
    private final StepLauncher launcher;
    private final int numBlocks;
    private final int mediaRows;
    private final BlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
    private final BlockingQueue<Runnable> completions = new LinkedBlockingQueue<>();
    private final BlockingQueue<Runnable> encodings = new LinkedBlockingQueue<>();
    private final BlockingQueue<StepSlot> freeSlots;
    private final Thread launching = new Thread(() -> serve(work), "millrace-gpu-launch");
    private final Thread completing = new Thread(() -> serve(completions), "millrace-gpu-complete");
    private final Thread encoding = new Thread(() -> serve(encodings), "millrace-gpu-encode");
    private volatile Throwable failure; // the first; nothing is launched after it
    private Throwable lost; // of the completing thread: why launched steps' results mean nothing
    private boolean closed;
    private boolean released;

    GpuExecutor(Device device, StepLauncher launcher, List<StepSlot> slots, int numBlocks, int mediaRows) {
        this.device = device;
        this.launcher = launcher;
        this.numBlocks = numBlocks;
        this.mediaRows = mediaRows;
        freeSlots = new ArrayBlockingQueue<>(slots.size(), false, slots);
        launching.setDaemon(true);
        completing.setDaemon(true);
        encoding.setDaemon(true);
        launching.start();
        completing.start();
        encoding.start();
    }

    @Override
    public int numBlocks() {
        return numBlocks;
    }

    @Override
    public int blockSize() {
        return CacheShape.BLOCK_TOKENS;
    }

    @Override
    public int mediaRows() {
        return mediaRows;
    }

    @Override
    public void launch(ForwardBatch batch, StepListener listener) {
        if (closed) {
            throw new IllegalStateException("step " + batch.step() + " was launched after close");
        }
        work.add(() -> launchStep(batch, listener));
    }

    /** Its turn comes once the steps before it are launched, for it waits for those of them that read the buffer. */
    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        if (closed) {
            throw new IllegalStateException("encoding " + batch.number() + " was launched after close");
        }
        work.add(() -> encodings.add(() -> encodeNow(batch, listener)));
    }

    @Override
    public float[] readMedia(int[] rows) {
        CompletableFuture<float[]> result = new CompletableFuture<>();
        work.add(() -> encodings.add(() -> {
            try {
                result.complete(launcher.readMedia(rows));
            } catch (RuntimeException e) {
                result.completeExceptionally(e);
            }
        }));
        return result.join();
    }

    @Override
    public void probe(Probe probe) {
        work.add(() -> launcher.probe(probe));
    }

    /** Waits for launched steps and encodings and takes no more. */
    void drain() {
        if (closed) {
            return;
        }
        closed = true;
        work.add(STOP);
        boolean interrupted = join(launching);
        encodings.add(STOP);
        interrupted |= join(encoding);
        completions.add(STOP);
        interrupted |= join(completing);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        drain();
        if (released) {
            return;
        }
        released = true;
        try (device) {
            device.bindThread();
        }
    }

    /** Does what comes in until it is told to stop; what fails here fails all that follows. */
    private void serve(BlockingQueue<Runnable> queue) {
        device.bindThread();
        for (Runnable next = take(queue); next != STOP; next = take(queue)) {
            try {
                next.run();
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
    }

    /** The threads are this executor's own and end by {@link #close} alone; if one is interrupted, steps fail. */
    private Runnable take(BlockingQueue<Runnable> queue) {
        while (true) {
            try {
                return queue.take();
            } catch (InterruptedException e) {
                fail(e);
            }
        }
    }

    private void launchStep(ForwardBatch batch, StepListener listener) {
        if (failure == null) {
            try {
                StepSlot slot = freeSlots.take();
                launcher.launch(batch, slot);
                completions.add(() -> complete(batch, listener, slot));
                return;
            } catch (InterruptedException | RuntimeException | Error e) {
                fail(e);
            }
        }
        completions.add(() -> listener.failed(batch.step(), failure));
    }

    private void complete(ForwardBatch batch, StepListener listener, StepSlot slot) {
        StepOutput output = null;
        if (lost == null) {
            try {
                output = slot.output(batch);
            } catch (RuntimeException | Error e) {
                lost = e;
                fail(e);
            }
        }
        freeSlots.add(slot);
        if (output != null) {
            listener.completed(output);
        } else {
            listener.failed(batch.step(), lost);
        }
    }

    private void encodeNow(EncoderBatch batch, EncodingListener listener) {
        boolean done = false;
        if (failure == null) {
            try {
                launcher.encode(batch);
                done = true;
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
        if (done) {
            listener.encoded(batch.number());
        } else {
            listener.encodingFailed(batch.number(), failure);
        }
    }

    private synchronized void fail(Throwable cause) {
        FatalCudaError.endProcessIfSticky(cause);
        failure = failure == null ? cause : failure;
    }

    private static boolean join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        return interrupted;
    }
}

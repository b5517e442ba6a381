package dev.millrace.gpu;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.Event;
import dev.millrace.gpu.device.FatalCudaError;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.operations.GpuVisionOperations;
import dev.millrace.gpu.operations.Slice;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.Probe;
import dev.millrace.model.executor.Probeable;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Computes steps and encodes media on a GPU. One thread launches steps in order, ahead of the device by as many as there are
 * slots, and on the same stream slices of encodings: behind each step almost as much as the step takes, without a pause while
 * the device has no step. So a running sequence waits twice as long for a token, however large the picture. A second thread
 * waits for each step and encoding and tells its listener, a third brings media to the device. After one failed, so do all
 * that follow it, because what they build on is gone.
 */
final class GpuExecutor implements ModelExecutor, Probeable {

    private static final Runnable NOTHING = () -> {};

    /** How long a chunk of an encoding is, measured by a step: less than one, since estimates are not exact. */
    private static final double BEHIND_A_STEP = 0.85;

    /** While the device has no step; one that comes waits for two chunks. */
    private static final double WITHOUT_STEPS = BEHIND_A_STEP / 2;

    private final Device device;
    private final Stream stream;
    private final StepLauncher launcher;
    private final MediaEncoder media;
    private final SlicedEncodings encodings;
    private final StepPace pace = new StepPace();
    private final int numBlocks;
    private final int mediaRows;
    private final BlockingQueue<StepSlot> freeSlots;
    private final BlockingQueue<Event> freeEnds = new ArrayBlockingQueue<>(GpuVisionOperations.MOST_BOUND);
    private final DeviceThread launching;
    private final DeviceThread completing;
    private final DeviceThread arriving;
    private volatile Throwable failure; // the first; nothing is launched after it
    private Throwable lost; // of the completing thread: why launched steps' results mean nothing
    private boolean closed;
    private boolean released;

    /** @param stream of all work */
    GpuExecutor(
            Device device,
            Stream stream,
            StepLauncher launcher,
            MediaEncoder media,
            SlicedEncodings encodings,
            List<StepSlot> slots,
            int numBlocks,
            int mediaRows) {
        this.device = device;
        this.stream = stream;
        this.launcher = launcher;
        this.media = media;
        this.encodings = encodings;
        this.numBlocks = numBlocks;
        this.mediaRows = mediaRows;
        freeSlots = new ArrayBlockingQueue<>(slots.size(), false, slots);
        while (freeEnds.remainingCapacity() > 0) {
            freeEnds.add(device.newEvent());
        }
        launching = new DeviceThread(
                "millrace-gpu-launch", device, this::fail, this::isToEncodeWithoutSteps, this::encodeWithoutSteps);
        completing = new DeviceThread("millrace-gpu-complete", device, this::fail);
        arriving = new DeviceThread("millrace-gpu-media", device, this::fail);
        List.of(launching, completing, arriving).forEach(DeviceThread::start);
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
        launching.add(() -> launchStep(batch, listener));
    }

    /** What encodes comes behind the steps before it, which so have read what the rows held. */
    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        if (closed) {
            throw new IllegalStateException("encoding " + batch.number() + " was launched after close");
        }
        arriving.add(() -> prepare(batch, listener));
    }

    @Override
    public float[] readMedia(int[] rows) {
        CompletableFuture<float[]> result = new CompletableFuture<>();
        arriving.add(() -> launching.add(() -> {
            try {
                finishEncodings();
                result.complete(media.read(rows));
            } catch (RuntimeException e) {
                result.completeExceptionally(e);
            }
        }));
        return result.join();
    }

    @Override
    public void probe(Probe probe) {
        arriving.add(() -> media.probe(probe));
        launching.add(() -> launcher.probe(probe));
    }

    /** Waits for launched steps and encodings and takes no more. */
    void drain() {
        if (closed) {
            return;
        }
        closed = true;
        boolean interrupted = arriving.end();
        launching.add(this::finishEncodings);
        interrupted |= launching.end();
        interrupted |= completing.end();
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

    /** Whether there is something to encode and the device has no step; after a failure there is no waiting. */
    private boolean isToEncodeWithoutSteps() {
        return !encodings.isEmpty() && (failure != null || freeSlots.remainingCapacity() == 0);
    }

    private void launchStep(ForwardBatch batch, StepListener listener) {
        if (tryLaunch(batch, listener)) {
            encode(() -> encodings.launch(BEHIND_A_STEP * pace.seconds(launcher.isDecode(batch))));
        } else {
            completing.add(() -> listener.failed(batch.step(), failure));
        }
    }

    private boolean tryLaunch(ForwardBatch batch, StepListener listener) {
        if (failure == null) {
            try {
                StepSlot slot = launching.take(freeSlots);
                launcher.launch(batch, slot);
                completing.add(() -> complete(batch, listener, slot));
                return true;
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
        return false;
    }

    private void complete(ForwardBatch batch, StepListener listener, StepSlot slot) {
        StepOutput output = awaited(() -> slot.output(batch));
        freeSlots.add(slot);
        launching.add(NOTHING); // the launching thread may have something to encode, now that there is one step less
        if (output == null) {
            listener.failed(batch.step(), lost);
        } else {
            pace.add(launcher.isDecode(batch), output.computeNanos());
            listener.completed(output);
        }
    }

    private void prepare(EncoderBatch batch, EncodingListener listener) {
        Event end = arriving.take(freeEnds);
        Runnable launched = () -> endEncoding(batch, listener, end);
        if (failure == null) {
            try {
                List<Slice> slices = media.prepare(batch);
                launching.add(() -> encodings.add(slices, launched));
                return;
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
        launching.add(launched);
    }

    /** Copies to the media buffer what others encoded, behind the steps before it. They keep it until the listener is told. */
    void copyMedia(EncoderBatch batch, Map<GpuExecutor, List<MediaInput>> others, EncodingListener listener) {
        arriving.add(() -> {
            Event end = arriving.take(freeEnds);
            launching.add(() -> {
                if (failure == null) {
                    try {
                        others.forEach((other, items) -> media.copy(other.media, items));
                    } catch (RuntimeException | Error e) {
                        fail(e);
                    }
                }
                endEncoding(batch, listener, end);
            });
        });
    }

    private void encodeWithoutSteps() {
        encode(() -> {
            encodings.awaitLast();
            encodings.launch(WITHOUT_STEPS * pace.seconds(true));
        });
    }

    private void finishEncodings() {
        while (!encodings.isEmpty()) {
            encodeWithoutSteps();
        }
    }

    /** Queues a chunk of the encodings, if there are any; after a failure ends them. */
    private void encode(Runnable chunk) {
        if (encodings.isEmpty()) {
            return;
        }
        if (failure == null) {
            try {
                chunk.run();
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
        if (failure != null) {
            encodings.abandon();
        }
    }

    private void endEncoding(EncoderBatch batch, EncodingListener listener, Event end) {
        Throwable cause = failure;
        if (cause == null) {
            stream.record(end);
        }
        completing.add(() -> completeEncoding(batch, listener, end, cause));
    }

    /** @param cause why it was not launched, or null */
    private void completeEncoding(EncoderBatch batch, EncodingListener listener, Event end, Throwable cause) {
        boolean done = cause == null
                && awaited(() -> {
                            end.synchronize();
                            return end;
                        })
                        != null;
        freeEnds.add(end);
        if (done) {
            listener.encoded(batch.number());
        } else {
            listener.encodingFailed(batch.number(), cause == null ? lost : cause);
        }
    }

    /** What comes of waiting for the device, or null once that failed. */
    private <T> T awaited(Supplier<T> wait) {
        if (lost == null) {
            try {
                return wait.get();
            } catch (RuntimeException | Error e) {
                lost = e;
                fail(e);
            }
        }
        return null;
    }

    private synchronized void fail(Throwable cause) {
        FatalCudaError.endProcessIfSticky(cause);
        failure = failure == null ? cause : failure;
    }
}

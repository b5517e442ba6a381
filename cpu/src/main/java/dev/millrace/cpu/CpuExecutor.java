package dev.millrace.cpu;

import dev.millrace.cpu.operations.CpuTextOperations;
import dev.millrace.cpu.operations.CpuVisionOperations;
import dev.millrace.cpu.operations.Drafting;
import dev.millrace.cpu.operations.MediaBuffer;
import dev.millrace.cpu.parallel.ThreadTeam;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.Probe;
import dev.millrace.model.executor.Probeable;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.forward.Qwen25Vl;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Computes steps and encodes media on the JVM. One thread takes both in order and is the thread team's worker 0; after one
 * failed, so do all that follow it, because what they build on is gone.
 */
final class CpuExecutor implements ModelExecutor, Probeable {

    private final Qwen25Vl model;
    private final CpuTextOperations text;
    private final CpuVisionOperations vision; // null for a text model
    private final Drafting drafting; // null without a draft model
    private final MediaBuffer media;
    private final ThreadTeam team;
    private final WarmUp warmUp;
    private final int numBlocks;
    private final int blockSize;
    private final LinkedBlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
    private final Thread thread = new Thread(this::work, "millrace-executor");
    private Throwable failure; // of the executor's thread
    private boolean running = true; // of the executor's thread
    private Probe probe; // of the executor's thread, or null
    private boolean closed;

    CpuExecutor(
            Qwen25Vl model,
            CpuTextOperations text,
            CpuVisionOperations vision,
            Drafting drafting,
            MediaBuffer media,
            ThreadTeam team,
            WarmUp warmUp,
            int numBlocks,
            int blockSize) {
        this.model = model;
        this.text = text;
        this.vision = vision;
        this.drafting = drafting;
        this.media = media;
        this.team = team;
        this.warmUp = warmUp;
        this.numBlocks = numBlocks;
        this.blockSize = blockSize;
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public int numBlocks() {
        return numBlocks;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public int mediaRows() {
        return media.rows();
    }

    @Override
    public void launch(ForwardBatch batch, StepListener listener) {
        if (closed) {
            throw new IllegalStateException("step " + batch.step() + " was launched after close");
        }
        queue.add(() -> step(batch, listener));
    }

    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        if (closed) {
            throw new IllegalStateException("encoding " + batch.number() + " was launched after close");
        }
        queue.add(() -> encoding(batch, listener));
    }

    @Override
    public float[] readMedia(int[] rows) {
        CompletableFuture<float[]> result = new CompletableFuture<>();
        queue.add(() -> {
            try {
                result.complete(media.read(rows));
            } catch (RuntimeException e) {
                result.completeExceptionally(e);
            }
        });
        return result.join();
    }

    @Override
    public void probe(Probe next) {
        queue.add(() -> probe = next);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        queue.add(() -> running = false);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        team.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void work() {
        try {
            while (queue.isEmpty() && !warmUp.done()) {
                warmUp.next(this::compute, this::encode);
            }
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        while (running) {
            try {
                queue.take().run();
            } catch (InterruptedException | RuntimeException | Error e) {
                failure = failure == null ? e : failure;
            }
        }
    }

    private void step(ForwardBatch batch, StepListener listener) {
        StepOutput output = null;
        if (failure == null) {
            try {
                output = compute(batch);
            } catch (Throwable t) {
                failure = t;
            }
        }
        if (output != null) {
            listener.completed(output);
        } else {
            listener.failed(batch.step(), failure);
        }
    }

    private void encoding(EncoderBatch batch, EncodingListener listener) {
        if (failure == null) {
            try {
                encode(batch.media());
            } catch (Throwable t) {
                failure = t;
            }
        }
        if (failure == null) {
            listener.encoded(batch.number());
        } else {
            listener.encodingFailed(batch.number(), failure);
        }
    }

    private void encode(List<MediaInput> media) {
        for (MediaInput input : media) {
            vision.bind(input);
            model.encode(vision, this::showBlock);
        }
    }

    private StepOutput compute(ForwardBatch batch) {
        long start = System.nanoTime();
        int[] drafts = batch.draft() == null ? null : drafting.draft(batch);
        text.bind(drafts == null ? batch : batch.withDrafts(drafts));
        model.forward(text, this::showLayer);
        return text.result(drafts, System.nanoTime() - start);
    }

    private void showLayer(int layer) {
        if (probe != null) {
            probe.layer(layer, text.hidden());
        }
    }

    private void showBlock(int block) {
        if (probe != null) {
            probe.visionBlock(block, vision.hidden());
        }
    }
}

package dev.millrace.bench;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/** An executor whose steps' time on the device is summed. */
final class Meter implements ModelExecutor {

    private final ModelExecutor executor;
    private final AtomicLong computeNanos = new AtomicLong();
    private final AtomicLong firstMediaStep = new AtomicLong();

    Meter(ModelExecutor executor) {
        this.executor = executor;
    }

    /** When the first step was launched, since this was last asked for, that reads embeddings of media; 0: none was. */
    long takeFirstMediaStep() {
        return firstMediaStep.getAndSet(0);
    }

    /** Of all steps that were completed. */
    long computeNanos() {
        return computeNanos.get();
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
    public void launch(ForwardBatch batch, StepListener listener) {
        if (Arrays.stream(batch.mediaRow()).anyMatch(row -> row >= 0)) {
            firstMediaStep.compareAndSet(0, System.nanoTime());
        }
        executor.launch(batch, new StepListener() {
            @Override
            public void completed(StepOutput output) {
                computeNanos.addAndGet(output.computeNanos());
                listener.completed(output);
            }

            @Override
            public void failed(long step, Throwable cause) {
                listener.failed(step, cause);
            }
        });
    }

    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        executor.encode(batch, listener);
    }

    @Override
    public float[] readMedia(int[] rows) {
        return executor.readMedia(rows);
    }

    @Override
    public void close() {
        executor.close();
    }
}

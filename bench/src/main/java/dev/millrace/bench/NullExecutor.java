package dev.millrace.bench;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** Computes nothing, at once: every sample is the same token. What is left is the cost of deciding. */
final class NullExecutor implements ModelExecutor {

    private static final int TOKEN = 17;

    private final int numBlocks;
    private final Deque<ForwardBatch> launched = new ArrayDeque<>();

    NullExecutor(int numBlocks) {
        this.numBlocks = numBlocks;
    }

    @Override
    public int numBlocks() {
        return numBlocks;
    }

    @Override
    public int blockSize() {
        return 16;
    }

    @Override
    public int mediaRows() {
        return 0;
    }

    @Override
    public void launch(ForwardBatch batch, StepListener listener) {
        launched.add(batch);
    }

    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        throw new IllegalArgumentException("there is no room for media");
    }

    /** The oldest step's output. */
    StepOutput take() {
        return output(launched.remove(), 0);
    }

    /** What a step brings that was said to take so long. */
    static StepOutput output(ForwardBatch batch, long computeNanos) {
        int[] tokens = new int[batch.numSamples()];
        Arrays.fill(tokens, TOKEN);
        return new StepOutput(batch.step(), tokens, null, null, computeNanos);
    }

    @Override
    public float[] readMedia(int[] rows) {
        return new float[0];
    }

    @Override
    public void close() {
        launched.clear();
    }
}

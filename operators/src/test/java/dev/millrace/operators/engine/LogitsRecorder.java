package dev.millrace.operators.engine;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Asks an executor for the raw logits of every sample and keeps them by sequence and length of the context. A sequence is
 * known by its choice and the noise key of its parameters, which tests give to one request only.
 */
final class LogitsRecorder implements ModelExecutor {

    private final ModelExecutor inner;
    private final LinkedBlockingQueue<Object> completions = new LinkedBlockingQueue<>();
    private final Map<Integer, RowAssignment> sequenceOfRow = new TreeMap<>();
    private final Map<Sample, float[]> logits = new TreeMap<>();

    LogitsRecorder(ModelExecutor inner) {
        this.inner = inner;
    }

    /** Logits after so many tokens of a sequence. */
    record Sample(long seed, int choice, int contextLength) implements Comparable<Sample> {
        @Override
        public int compareTo(Sample other) {
            return Comparator.comparingLong(Sample::seed)
                    .thenComparingInt(Sample::choice)
                    .thenComparingInt(Sample::contextLength)
                    .compare(this, other);
        }
    }

    Map<Sample, float[]> logits() {
        return logits;
    }

    /** Waits for whatever is done next, and has the engine handle it. */
    void handleNext(InferenceEngine engine) throws InterruptedException {
        Object completion = completions.take();
        if (completion instanceof Throwable failure) {
            throw new IllegalStateException("a step or an encoding failed", failure);
        }
        if (completion instanceof Long encoding) {
            engine.encoded(encoding);
        } else {
            engine.complete(record((Completed) completion));
        }
    }

    private StepOutput record(Completed completed) {
        StepOutput output = completed.output;
        int vocabulary = output.logits().length / Math.max(1, output.tokens().length);
        for (int r = 0; r < output.tokens().length; r++) {
            float[] row = Arrays.copyOfRange(output.logits(), r * vocabulary, (r + 1) * vocabulary);
            float[] before = logits.putIfAbsent(completed.samples[r], row);
            if (before != null && !Arrays.equals(before, row)) {
                throw new AssertionError("computed anew, the logits differ: " + completed.samples[r]);
            }
        }
        return output;
    }

    private record Completed(Sample[] samples, StepOutput output) {}

    @Override
    public void launch(ForwardBatch batch, StepListener listener) {
        for (RowAssignment assignment : batch.assignments()) {
            sequenceOfRow.put(assignment.row(), assignment);
        }
        Sample[] samples = new Sample[batch.numSamples()];
        for (int s = 0, r = 0; r < samples.length; r++) {
            while (batch.cuQ()[s + 1] <= batch.sampleToken()[r]) {
                s++;
            }
            int length = batch.contextLength()[s] - batch.cuQ()[s + 1] + batch.sampleToken()[r] + 1;
            RowAssignment sampled = sequenceOfRow.get(batch.sampleRow()[r]);
            samples[r] = new Sample(sampled.params().seed(), sampled.choice(), length);
        }
        inner.launch(withLogits(batch), new StepListener() {
            @Override
            public void completed(StepOutput output) {
                completions.add(new Completed(samples, output));
            }

            @Override
            public void failed(long step, Throwable cause) {
                completions.add(cause);
            }
        });
    }

    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        inner.encode(batch, new EncodingListener() {
            @Override
            public void encoded(long encoding) {
                completions.add(encoding);
            }

            @Override
            public void encodingFailed(long encoding, Throwable cause) {
                completions.add(cause);
            }
        });
    }

    private static ForwardBatch withLogits(ForwardBatch b) {
        return new ForwardBatch(
                b.step(),
                b.ids(),
                b.mediaRow(),
                b.positions(),
                b.cuQ(),
                b.contextLength(),
                b.row(),
                b.sampleToken(),
                b.sampleRow(),
                b.target(),
                b.numLogprobs(),
                b.bannedOffsets(),
                b.banned(),
                b.allowed(),
                b.tableUpdates(),
                b.copyPairs(),
                b.assignments(),
                true,
                null);
    }

    @Override
    public int numBlocks() {
        return inner.numBlocks();
    }

    @Override
    public int blockSize() {
        return inner.blockSize();
    }

    @Override
    public int mediaRows() {
        return inner.mediaRows();
    }

    @Override
    public float[] readMedia(int[] rows) {
        return inner.readMedia(rows);
    }

    @Override
    public void close() {
        inner.close();
    }
}

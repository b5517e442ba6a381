package dev.millrace.operators;

import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * A model whose next token is a hash of seed and context, read back through the block tables. It computes on a thread of
 * its own, as a device does, each step or encoding when the test has allowed one more.
 */
final class HashingExecutor implements ModelExecutor {

    /** Tokens that it generates: letters, words and halves of characters, none special. */
    static final int VOCABULARY = 600;

    /** The executors that were opened, oldest first; a test takes its own from here. */
    static final LinkedBlockingQueue<HashingExecutor> OPENED = new LinkedBlockingQueue<>();

    private final int blockSize;
    private final int numBlocks;
    private final int mediaRows;
    private final int[] slots;
    private final Row[] rows;
    private final Semaphore permits = new Semaphore(0);
    private final ExecutorService device;
    private volatile RuntimeException fault;
    private int computed; // guarded by this

    HashingExecutor(ExecutorConfig config, Limits limits) {
        this.blockSize = config.cache().blockSize();
        this.numBlocks = config.cache().numBlocks();
        this.mediaRows = config.mediaRows(limits);
        this.slots = new int[numBlocks * blockSize];
        this.rows = new Row[limits.maxNumSeqs()];
        this.device = Executors.newSingleThreadExecutor(task -> new Thread(task, "hashing-executor"));
    }

    /** Opens executors where the operator wants one. */
    record Factory() implements ModelExecutorFactory {
        @Override
        public DefaultLimits defaults(ExecutorConfig config) {
            return new DefaultLimits(64, 8);
        }

        @Override
        public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) {
            var executor = new HashingExecutor(config, limits);
            OPENED.add(executor);
            return executor;
        }
    }

    /** Lets so many more steps and encodings be computed. */
    void allow(int steps) {
        permits.release(steps);
    }

    /** Steps and encodings that were computed. */
    synchronized int computed() {
        return computed;
    }

    synchronized void awaitComputed(int steps) throws InterruptedException {
        while (computed < steps) {
            wait();
        }
    }

    private synchronized void countComputed() {
        computed++;
        notifyAll();
    }

    /** The next step or encoding fails with this. */
    void breakWith(RuntimeException cause) {
        fault = cause;
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
        return mediaRows;
    }

    @Override
    public void launch(ForwardBatch batch, StepListener listener) {
        device.execute(() -> {
            permits.acquireUninterruptibly();
            if (fault != null) {
                listener.failed(batch.step(), fault);
            } else {
                StepOutput output = compute(batch);
                countComputed();
                listener.completed(output);
            }
        });
    }

    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        device.execute(() -> {
            permits.acquireUninterruptibly();
            if (fault != null) {
                listener.encodingFailed(batch.number(), fault);
            } else {
                countComputed();
                listener.encoded(batch.number());
            }
        });
    }

    @Override
    public float[] readMedia(int[] wanted) {
        return new float[0];
    }

    @Override
    public void close() {
        permits.release(1_000_000);
        device.shutdown();
        try {
            if (!device.awaitTermination(30, TimeUnit.SECONDS)) {
                throw new IllegalStateException("a step hangs");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private StepOutput compute(ForwardBatch batch) {
        for (RowAssignment assignment : batch.assignments()) {
            rows[assignment.row()] = new Row(assignment, numBlocks);
        }
        int[] updates = batch.tableUpdates();
        for (int i = 0; i < updates.length; i += 3) {
            rows[updates[i]].table[updates[i + 1]] = updates[i + 2];
        }
        int[] pairs = batch.copyPairs();
        for (int i = 0; i < pairs.length; i += 2) {
            int size = blockSize;
            System.arraycopy(slots, pairs[i] * size, slots, pairs[i + 1] * size, size);
        }
        for (int s = 0; s < batch.numSequences(); s++) {
            write(batch, s);
        }
        int[] tokens = new int[batch.numSamples()];
        var logprobs = new SampleLogprobs[tokens.length];
        for (int s = 0, r = 0; r < tokens.length; r++) {
            while (batch.cuQ()[s + 1] <= batch.sampleToken()[r]) {
                s++;
            }
            Row row = rows[batch.sampleRow()[r]];
            if (batch.hasTarget(r)) {
                logprobs[r] = score(batch, r);
                continue;
            }
            row.length = batch.contextLength()[s];
            row.last = row.draw(slots, blockSize);
            tokens[r] = row.last;
            int k = batch.numLogprobs()[r];
            logprobs[r] = k < 0 ? null : new SampleLogprobs(-0.5f, 1, new int[k], new float[k]);
        }
        return new StepOutput(batch.step(), tokens, logprobs, null, 1);
    }

    /** A score that names its token's position and the token, beside candidates that depend on the context. */
    private SampleLogprobs score(ForwardBatch batch, int r) {
        int s = 0;
        while (batch.cuQ()[s + 1] <= batch.sampleToken()[r]) {
            s++;
        }
        Row row = rows[batch.row()[s]];
        row.length = batch.contextLength()[s];
        int first = row.hash(0, slots, blockSize);
        int position = batch.contextLength()[s] - batch.cuQ()[s + 1] + batch.sampleToken()[r] + 1;
        int k = batch.numLogprobs()[r];
        int[] ids = new int[k];
        float[] logprobs = new float[k];
        for (int i = 0; i < k; i++) {
            ids[i] = (first + 7 * i) % VOCABULARY;
            logprobs[i] = -0.01f * (first % 13) - 0.3f * i;
        }
        return new SampleLogprobs(-position - batch.target()[r] / 1024f, 1, ids, logprobs);
    }

    private void write(ForwardBatch batch, int s) {
        Row row = rows[batch.row()[s]];
        int from = batch.cuQ()[s];
        int count = batch.cuQ()[s + 1] - from;
        int length = batch.contextLength()[s];
        for (int j = 0; j < count; j++) {
            int id = batch.ids()[from + j];
            slots[row.slot(length - count + j, blockSize)] = id == ForwardBatch.LAST_SAMPLED ? row.last : id;
        }
    }

    /** What is kept for a sequence. */
    private static final class Row {
        private final long seed;
        private final int[] table;
        private int length;
        private int last;

        Row(RowAssignment assignment, int mostBlocks) {
            seed = assignment.params().seed() + assignment.choice();
            table = new int[mostBlocks];
            int[] output = assignment.outputIds();
            last = output.length == 0 ? -1 : output[output.length - 1];
        }

        int slot(int index, int blockSize) {
            return table[index / blockSize] * blockSize + index % blockSize;
        }

        int draw(int[] slots, int blockSize) {
            return hash(seed, slots, blockSize);
        }

        /** Depends on the context, and on what the hash begins with. */
        int hash(long begin, int[] slots, int blockSize) {
            long hash = begin;
            for (int i = 0; i < length; i++) {
                hash = (hash ^ slots[slot(i, blockSize)]) * 0x9E3779B97F4A7C15L;
                hash ^= hash >>> 29;
            }
            return (int) Long.remainderUnsigned(hash >>> 8, VOCABULARY);
        }
    }
}

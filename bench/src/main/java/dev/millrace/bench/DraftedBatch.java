package dev.millrace.bench;

import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.sampling.SamplingParams;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * Sequences that go on together, step by step straight on an executor, without an engine: one token at a time, a step
 * launched ahead, or several behind drafts, each step once the one before has said what it accepted.
 */
final class DraftedBatch {

    private static final int BLOCK_SIZE = 16;
    private static final int AHEAD = 2;
    private static final int BOUND = 11;
    private static final int[] NONE = {};

    /** Where drafts come from. */
    enum Source {
        /** The host, always wrong: each sequence may choose but one token, and that is another. */
        WRONG,
        /** The host, always right, in the same way. */
        RIGHT,
        /** The draft model, always right, as it may choose but that token, too. */
        BOUND_MODEL,
        /** The draft model, which may choose any token, as the model may. */
        MODEL;

        boolean isModel() {
            return this == BOUND_MODEL || this == MODEL;
        }
    }

    private final ModelExecutor executor;
    private final Source source;
    private final int[][] ids;
    private final int[] known; // tokens, the last of which is not computed
    private final int[] computed;
    private final int[] seen; // by the draft model
    private final int blocks; // of a sequence
    private long step;

    /**
     * @param size sequences
     * @param inputLen random tokens of each prompt
     * @param length of the longest sequence, drafts included
     */
    DraftedBatch(ModelExecutor executor, Source source, int size, int inputLen, int length, Random random) {
        this.executor = executor;
        this.source = source;
        ids = new int[size][length];
        for (int[] sequence : ids) {
            Arrays.setAll(sequence, i -> random.nextInt(BOUND));
        }
        known = new int[size];
        Arrays.fill(known, inputLen);
        computed = new int[size];
        seen = new int[size];
        blocks = blocks(length);
    }

    static int blocks(int length) {
        return (length + BLOCK_SIZE - 1) / BLOCK_SIZE;
    }

    /** What steps took. */
    record Steps(int count, int sequences, double seconds, double deviceSeconds, long tokens) {

        double tokensPerSecond() {
            return tokens / seconds;
        }

        double secondsPerStep() {
            return seconds / count;
        }

        double deviceSecondsPerStep() {
            return deviceSeconds / count;
        }

        double acceptedOf(int drafts) {
            return ((double) tokens / count / sequences - 1) / drafts;
        }
    }

    /** Computes the prompts, as many at a time as {@code budget} tokens hold, and draws the first tokens. */
    void begin(int budget) {
        int together = Math.max(1, budget / known[0]);
        for (int from = 0; from < ids.length; from += together) {
            int to = Math.min(ids.length, from + together);
            accept(from, to, 0, launch(from, to, 1).join());
        }
    }

    /** Steps of one token each. */
    Steps plain(int count) {
        long start = System.nanoTime();
        long device = 0;
        Deque<CompletableFuture<StepOutput>> launched = new ArrayDeque<>();
        for (int i = 0; i < count; i++) {
            launched.add(launch(0, ids.length, 1));
            for (int s = 0; s < ids.length; s++) {
                ids[s][known[s]++] = ForwardBatch.LAST_SAMPLED;
            }
            device += launched.size() < AHEAD ? 0 : launched.remove().join().computeNanos();
        }
        while (!launched.isEmpty()) {
            device += launched.remove().join().computeNanos();
        }
        return steps(count, start, device, (long) count * ids.length);
    }

    /** Steps of as many drafts for each sequence, which bring a token more than was accepted. */
    Steps drafted(int count, int drafts) {
        long start = System.nanoTime();
        long device = 0;
        long tokens = 0;
        for (int i = 0; i < count; i++) {
            for (int s = 0; s < ids.length; s++) {
                int draft = source.isModel() ? ForwardBatch.DRAFTED : source == Source.RIGHT ? BOUND : BOUND + 1;
                Arrays.fill(ids[s], known[s], known[s] + drafts, draft);
                known[s] += drafts;
            }
            StepOutput output = launch(0, ids.length, 1 + drafts).join();
            device += output.computeNanos();
            tokens += accept(0, ids.length, drafts, output);
        }
        return steps(count, start, device, tokens);
    }

    private Steps steps(int count, long start, long device, long tokens) {
        return new Steps(count, ids.length, Timing.seconds(System.nanoTime() - start), Timing.seconds(device), tokens);
    }

    /** Has sequences go on with what is accepted of their drafts, and the sample behind it; returns how many tokens. */
    private long accept(int from, int to, int drafts, StepOutput output) {
        long tokens = 0;
        for (int s = from; s < to; s++) {
            int first = known[s] - drafts;
            if (output.drafts() != null && drafts > 0) {
                System.arraycopy(output.drafts(), (s - from) * drafts, ids[s], first, drafts);
            }
            int sample = (s - from) * (drafts + 1);
            int accepted = 0;
            while (accepted < drafts && output.tokens()[sample + accepted] == ids[s][first + accepted]) {
                accepted++;
            }
            computed[s] = first + accepted;
            seen[s] = Math.min(seen[s], computed[s]);
            ids[s][computed[s]] = output.tokens()[sample + accepted];
            known[s] = computed[s] + 1;
            tokens += accepted + 1;
        }
        return tokens;
    }

    private CompletableFuture<StepOutput> launch(int from, int to, int samples) {
        var result = new CompletableFuture<StepOutput>();
        executor.launch(batch(from, to, samples), new StepListener() {
            @Override
            public void completed(StepOutput output) {
                result.complete(output);
            }

            @Override
            public void failed(long number, Throwable cause) {
                result.completeExceptionally(cause);
            }
        });
        return result;
    }

    /** All known tokens of some sequences that are not computed, samples behind the last ones. */
    private ForwardBatch batch(int from, int to, int samples) {
        int size = to - from;
        int[] cuQ = new int[size + 1];
        List<RowAssignment> assignments = new ArrayList<>();
        for (int s = from; s < to; s++) {
            cuQ[s - from + 1] = cuQ[s - from] + known[s] - computed[s];
            if (computed[s] == 0) {
                assignments.add(new RowAssignment(s, params(), 0, Arrays.copyOf(ids[s], known[s]), NONE));
            }
        }
        int total = cuQ[size];
        int[] stepIds = new int[total];
        int[] positions = new int[3 * total];
        int[] sampleToken = new int[size * samples];
        for (int s = from; s < to; s++) {
            int first = cuQ[s - from];
            System.arraycopy(ids[s], computed[s], stepIds, first, known[s] - computed[s]);
            for (int axis = 0; axis < 3; axis++) {
                for (int i = computed[s]; i < known[s]; i++) {
                    positions[axis * total + first + i - computed[s]] = i;
                }
            }
            for (int i = 0; i < samples; i++) {
                sampleToken[(s - from) * samples + i] = cuQ[s - from + 1] - samples + i;
            }
        }
        DraftBatch draft = source.isModel() ? unseen(from, to, samples - 1) : null;
        int[] updates = assignments.isEmpty() ? NONE : tables(from, to);
        System.arraycopy(known, from, computed, from, size);
        int[] minusOnes = new int[Math.max(total, size * samples)];
        Arrays.fill(minusOnes, -1);
        return new ForwardBatch(
                step++,
                stepIds,
                Arrays.copyOf(minusOnes, total),
                positions,
                cuQ,
                Arrays.copyOfRange(known, from, to),
                IntStream.range(from, to).toArray(),
                sampleToken,
                IntStream.range(0, size * samples).map(i -> from + i / samples).toArray(),
                Arrays.copyOf(minusOnes, size * samples),
                Arrays.copyOf(minusOnes, size * samples),
                NONE,
                NONE,
                new int[0][],
                updates,
                NONE,
                assignments,
                false,
                draft);
    }

    private DraftBatch unseen(int from, int to, int drafts) {
        int size = to - from;
        int[] cuQ = new int[size + 1];
        int[] context = new int[size];
        int[] each = new int[size];
        Arrays.fill(each, drafts);
        for (int i = 0; i < size; i++) {
            context[i] = known[from + i] - drafts;
            cuQ[i + 1] = cuQ[i] + context[i] - seen[from + i];
        }
        int[] all = new int[cuQ[size]];
        for (int i = 0; i < size; i++) {
            System.arraycopy(ids[from + i], seen[from + i], all, cuQ[i], cuQ[i + 1] - cuQ[i]);
            seen[from + i] = context[i] + Math.max(0, drafts - 1);
        }
        return new DraftBatch(all, cuQ, context, IntStream.range(from, to).toArray(), each);
    }

    private int[] tables(int from, int to) {
        return IntStream.range(from, to)
                .boxed()
                .flatMapToInt(s -> IntStream.range(0, blocks).flatMap(i -> IntStream.of(s, i, 1 + s * blocks + i)))
                .toArray();
    }

    private SamplingParams params() {
        int[] allowed = source == Source.MODEL ? null : new int[] {BOUND};
        return SamplingParams.builder().allowedIds(allowed).build();
    }
}

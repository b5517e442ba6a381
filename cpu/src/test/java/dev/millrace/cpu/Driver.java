package dev.millrace.cpu;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.model.sampling.SamplingParams;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** Drives an executor through its border, as an engine would, one hand-made step at a time. */
final class Driver {

    private final ModelExecutor executor;
    private final Deque<Integer> freeBlocks = new ArrayDeque<>();
    private final Deque<Integer> freeRows = new ArrayDeque<>();
    private final List<Integer> copies = new ArrayList<>();
    private final List<Integer> updates = new ArrayList<>();
    private int nextMediaRow;
    private long nextStep;
    private long nextEncoding;

    /** @param seed shuffles the blocks that sequences get */
    Driver(ModelExecutor executor, int rows, long seed) {
        this.executor = executor;
        List<Integer> blocks = new ArrayList<>();
        IntStream.range(1, executor.numBlocks()).forEach(blocks::add);
        Collections.shuffle(blocks, new Random(seed));
        freeBlocks.addAll(blocks);
        IntStream.range(0, rows).forEach(freeRows::add);
    }

    /** A sequence: its prompt, what follows, and how much of it was computed. */
    final class Sequence {
        final PreparedPrompt prompt;
        final int row = freeRows.remove();
        final List<Integer> blocks = new ArrayList<>();
        final int[] firstMediaRow;
        private final SamplingParams params;
        private final int[] tokens;
        private int length;
        private int computed;
        private boolean assigned;

        private Sequence(PreparedPrompt prompt, SamplingParams params) {
            this.prompt = prompt;
            this.params = params;
            tokens = Arrays.copyOf(prompt.tokenIds(), prompt.tokenIds().length + 512);
            length = prompt.tokenIds().length;
            firstMediaRow = new int[prompt.media().size()];
        }

        /** Adds a token to be computed; {@link ForwardBatch#LAST_SAMPLED} is allowed. */
        void append(int token) {
            tokens[length++] = token;
        }

        /** The {@code count}-th token from the end. */
        int fromEnd(int count) {
            return tokens[length - count];
        }

        /** Takes back computed tokens. */
        void reject(int count) {
            length -= count;
            computed -= count;
        }

        int remaining() {
            return length - computed;
        }

        /** Media rows of all items, in order. */
        int[] mediaRows() {
            return IntStream.range(0, firstMediaRow.length)
                    .flatMap(
                            i -> IntStream.range(0, prompt.media().get(i).item().numTokens())
                                    .map(j -> firstMediaRow[i] + j))
                    .toArray();
        }

        void free() {
            freeBlocks.addAll(blocks);
            blocks.clear();
            freeRows.add(row);
        }
    }

    /** Asks for the log-probabilities of the tokens that follow in the prompt, {@code logprobs} likeliest beside them, instead of drawing. */
    int promptLogprobs = -1;

    /** So many tokens of a sequence; {@code samples} of the last are sampled from. */
    record Chunk(Sequence sequence, int count, int samples) {}

    Sequence sequence(PreparedPrompt prompt) {
        return sequence(prompt, SamplingParams.greedy());
    }

    Sequence sequence(PreparedPrompt prompt, SamplingParams params) {
        return new Sequence(prompt, params);
    }

    /** All that is left of a sequence, sampled at its end. */
    Chunk rest(Sequence sequence) {
        return new Chunk(sequence, sequence.remaining(), 1);
    }

    /** Runs a step and waits for it. */
    StepOutput run(Chunk... chunks) {
        return launch(chunks).join();
    }

    /** Computes a sequence in chunks of a size and returns the step that samples. */
    StepOutput runInChunks(Sequence sequence, int size) {
        while (sequence.remaining() > size) {
            run(new Chunk(sequence, size, 0));
        }
        return run(rest(sequence));
    }

    /** Takes the first tokens of a sequence as computed: their blocks are copied from another's in the next step. */
    void skip(Sequence sequence, int count, Sequence from) {
        sequence.computed = count;
        for (int block : from.blocks) {
            copies.addAll(List.of(block, freeBlocks.element()));
            updates.addAll(List.of(sequence.row, sequence.blocks.size(), freeBlocks.element()));
            sequence.blocks.add(freeBlocks.remove());
        }
    }

    CompletableFuture<StepOutput> launch(Chunk... chunks) {
        CompletableFuture<StepOutput> result = new CompletableFuture<>();
        executor.launch(batch(chunks), new StepListener() {
            @Override
            public void completed(StepOutput output) {
                result.complete(output);
            }

            @Override
            public void failed(long step, Throwable cause) {
                result.completeExceptionally(cause);
            }
        });
        return result;
    }

    private ForwardBatch batch(Chunk... chunks) {
        int total = Arrays.stream(chunks).mapToInt(Chunk::count).sum();
        int[] ids = new int[total];
        int[] mediaRow = new int[total];
        int[] positions = new int[3 * total];
        int[] cuQ = new int[chunks.length + 1];
        int[] context = new int[chunks.length];
        int[] row = new int[chunks.length];
        List<Integer> sampleToken = new ArrayList<>();
        List<Integer> sampleRow = new ArrayList<>();
        List<Integer> target = new ArrayList<>();
        List<RowAssignment> assignments = new ArrayList<>();
        int t = 0;
        for (int c = 0; c < chunks.length; c++) {
            Sequence s = chunks[c].sequence();
            assign(s, assignments);
            for (int i = 0; i < chunks[c].count(); i++, t++) {
                int index = s.computed + i;
                ids[t] = s.tokens[index];
                mediaRow[t] = mediaRow(s, index);
                for (int axis = 0; axis < 3; axis++) {
                    positions[axis * total + t] = s.prompt.positions().at(axis, index);
                }
            }
            for (int i = chunks[c].samples(); i > 0; i--) {
                sampleToken.add(t - i);
                sampleRow.add(s.row);
                int next = s.computed + chunks[c].count() - i + 1;
                boolean targeted = promptLogprobs >= 0 && next < s.prompt.tokenIds().length;
                target.add(targeted ? s.tokens[next] : ForwardBatch.DRAWN);
            }
            s.computed += chunks[c].count();
            while (s.blocks.size() * executor.blockSize() < s.computed) {
                updates.addAll(List.of(s.row, s.blocks.size(), freeBlocks.element()));
                s.blocks.add(freeBlocks.remove());
            }
            cuQ[c + 1] = t;
            context[c] = s.computed;
            row[c] = s.row;
        }
        int[] logprobs = new int[sampleToken.size()];
        Arrays.fill(logprobs, promptLogprobs);
        return new ForwardBatch(
                nextStep++,
                ids,
                mediaRow,
                positions,
                cuQ,
                context,
                row,
                ints(sampleToken),
                ints(sampleRow),
                ints(target),
                logprobs,
                new int[0],
                new int[0],
                new int[0][],
                drain(updates),
                drain(copies),
                assignments,
                true,
                null);
    }

    private void assign(Sequence s, List<RowAssignment> assignments) {
        if (s.assigned) {
            return;
        }
        s.assigned = true;
        assignments.add(new RowAssignment(s.row, s.params, 0, s.prompt.tokenIds(), new int[0]));
        List<MediaInput> media = new ArrayList<>();
        for (int i = 0; i < s.firstMediaRow.length; i++) {
            MediaSpan span = s.prompt.media().get(i);
            int first = nextMediaRow;
            s.firstMediaRow[i] = first;
            nextMediaRow += span.item().numTokens();
            media.add(new MediaInput(
                    span.item(), IntStream.range(first, nextMediaRow).toArray()));
        }
        if (!media.isEmpty()) {
            encode(media);
        }
    }

    private void encode(List<MediaInput> media) {
        CompletableFuture<Long> result = new CompletableFuture<>();
        executor.encode(new EncoderBatch(nextEncoding++, media), EncodingListener.completing(result));
        result.join();
    }

    private static int mediaRow(Sequence s, int index) {
        for (int i = 0; i < s.firstMediaRow.length; i++) {
            MediaSpan span = s.prompt.media().get(i);
            if (index >= span.start() && index < span.end()) {
                return s.firstMediaRow[i] + index - span.start();
            }
        }
        return -1;
    }

    private static int[] drain(List<Integer> values) {
        int[] drained = ints(values);
        values.clear();
        return drained;
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }
}

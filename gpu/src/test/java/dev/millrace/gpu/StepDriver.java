package dev.millrace.gpu;

import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.prompt.MropePositions;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.model.sampling.SamplingParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** Drives an executor through its border, a step at a time; sequences get rows and blocks in the order they come. */
final class StepDriver {

    private static final int[] NONE = {};
    private static final int BLOCK = 16;
    private static final int MOST_TOKENS = 1024;

    private final ModelExecutor executor;
    /** Likeliest tokens asked for beside those of the prompt, whose log-probabilities are then, too; −1: none. */
    int scored = -1;

    /** Whether a draft model sees all that is computed. */
    boolean drafting;

    private int nextBlock = 1;
    private int nextRow;
    private int nextMediaRow;
    private long nextStep;
    private long nextEncoding;

    StepDriver(ModelExecutor executor) {
        this.executor = executor;
    }

    /** Tokens, of which some are computed, and media at the beginning. */
    final class Sequence {
        final int row = nextRow++;
        final List<Integer> blocks = new ArrayList<>();
        private final int[] ids;
        private final List<MediaSpan> media;
        private final MropePositions positions;
        private final SamplingParams params;
        private int[] mediaRows;
        private int length;
        private int computed;
        private int seen; // by the draft model

        private Sequence(int[] ids, List<MediaSpan> media, SamplingParams params) {
            this.ids = Arrays.copyOf(ids, MOST_TOKENS);
            this.media = media;
            this.params = params;
            positions = MropePositions.of(ids.length, media, 2);
            length = ids.length;
        }

        Sequence append(int id) {
            ids[length++] = id;
            return this;
        }

        /** Takes the first tokens as computed in the blocks of another sequence. */
        void skip(int tokens) {
            computed = tokens;
            seen = tokens;
        }

        /** Puts what the draft model made in its places at the end. */
        void draft(int... drafts) {
            System.arraycopy(drafts, 0, ids, length - drafts.length, drafts.length);
        }

        /**
         * Keeps of the drafts at the end what equals the samples before them, and the sample behind it.
         *
         * @return the new tokens
         */
        int[] accept(int drafts, int[] samples, int from) {
            int accepted = 0;
            while (accepted < drafts && samples[from + accepted] == ids[length - drafts + accepted]) {
                accepted++;
            }
            length -= drafts - accepted;
            computed = length;
            seen = Math.min(seen, length);
            append(samples[from + accepted]);
            return Arrays.copyOfRange(ids, length - accepted - 1, length);
        }

        /** Of all items together, in order; once the sequence has begun. */
        int[] mediaRows() {
            return mediaRows;
        }

        int remaining() {
            return length - computed;
        }

        private int mediaRow(int index) {
            for (int i = 0, first = 0;
                    i < media.size();
                    first += media.get(i++).item().numTokens()) {
                MediaSpan span = media.get(i);
                if (index >= span.start() && index < span.end()) {
                    return mediaRows[first + index - span.start()];
                }
            }
            return -1;
        }
    }

    Sequence sequence(int... ids) {
        return new Sequence(ids, List.of(), SamplingParams.greedy());
    }

    Sequence sequence(SamplingParams params, int... ids) {
        return new Sequence(ids, List.of(), params);
    }

    Sequence sequence(int[] ids, List<MediaSpan> media) {
        return new Sequence(ids, media, SamplingParams.greedy());
    }

    /** A piece of a sequence, whose last tokens are sampled from. */
    record Chunk(Sequence sequence, int count, int samples) {

        Chunk(Sequence sequence, int count, boolean sampled) {
            this(sequence, count, sampled ? 1 : 0);
        }
    }

    static Chunk rest(Sequence sequence) {
        return new Chunk(sequence, sequence.remaining(), true);
    }

    /** All that is left of sequences, each with as many drafts at its end. */
    static Chunk[] verify(int drafts, Sequence... all) {
        return Arrays.stream(all)
                .map(sequence -> new Chunk(sequence, sequence.remaining(), 1 + drafts))
                .toArray(Chunk[]::new);
    }

    /** Runs a step and waits for it; its output carries logits. */
    StepOutput run(Chunk... chunks) {
        return launch(NONE, scored, chunks).join();
    }

    StepOutput run(Sequence... all) {
        return run(Arrays.stream(all).map(StepDriver::rest).toArray(Chunk[]::new));
    }

    /** @param copies pairs of blocks; {@code logprobs} are asked for of every sample */
    CompletableFuture<StepOutput> launch(int[] copies, int logprobs, Chunk... chunks) {
        var result = new CompletableFuture<StepOutput>();
        executor.launch(batch(copies, logprobs, chunks), new StepListener() {
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

    private ForwardBatch batch(int[] copies, int logprobs, Chunk... chunks) {
        int total = Arrays.stream(chunks).mapToInt(Chunk::count).sum();
        int[] ids = new int[total];
        int[] mediaRow = new int[total];
        int[] positions = new int[3 * total];
        int[] cuQ = new int[chunks.length + 1];
        int[] context = new int[chunks.length];
        List<Integer> sampleToken = new ArrayList<>();
        List<Integer> sampleRow = new ArrayList<>();
        List<Integer> target = new ArrayList<>();
        List<Integer> updates = new ArrayList<>();
        List<RowAssignment> assignments = new ArrayList<>();
        for (int c = 0; c < chunks.length; c++) {
            Sequence s = chunks[c].sequence();
            begin(s, assignments);
            for (int i = 0; i < chunks[c].count(); i++) {
                int index = s.computed + i;
                int t = cuQ[c] + i;
                ids[t] = s.ids[index];
                mediaRow[t] = s.mediaRow(index);
                for (int axis = 0; axis < 3; axis++) {
                    positions[axis * total + t] = s.positions.at(axis, index);
                }
            }
            cuQ[c + 1] = cuQ[c] + chunks[c].count();
            s.computed += chunks[c].count();
            context[c] = s.computed;
            while (s.blocks.size() * BLOCK < s.computed) {
                s.blocks.add(nextBlock++);
                updates.addAll(List.of(s.row, s.blocks.size() - 1, nextBlock - 1));
            }
            if (scored >= 0) {
                score(chunks[c].sequence(), cuQ[c], cuQ[c + 1], sampleToken, sampleRow, target);
            } else {
                for (int t = cuQ[c + 1] - chunks[c].samples(); t < cuQ[c + 1]; t++) {
                    sampleToken.add(t);
                    sampleRow.add(chunks[c].sequence().row);
                    target.add(ForwardBatch.DRAWN);
                }
            }
        }
        int[] asked = new int[target.size()];
        Arrays.fill(asked, logprobs);
        return new ForwardBatch(
                nextStep++,
                ids,
                mediaRow,
                positions,
                cuQ,
                context,
                Arrays.stream(chunks).mapToInt(chunk -> chunk.sequence().row).toArray(),
                ints(sampleToken),
                ints(sampleRow),
                ints(target),
                asked,
                NONE,
                NONE,
                new int[0][],
                ints(updates),
                copies,
                assignments,
                true,
                drafting ? unseen(chunks) : null);
    }

    /** What the draft model has not seen of the sequences, and as many drafts as there are places for at their ends. */
    private static DraftBatch unseen(Chunk... chunks) {
        List<Integer> ids = new ArrayList<>();
        int[] cuQ = new int[chunks.length + 1];
        int[] context = new int[chunks.length];
        int[] drafts = new int[chunks.length];
        for (int c = 0; c < chunks.length; c++) {
            Sequence s = chunks[c].sequence();
            while (s.ids[s.computed - drafts[c] - 1] == ForwardBatch.DRAFTED) {
                drafts[c]++;
            }
            context[c] = s.computed - drafts[c];
            while (s.seen < context[c]) {
                ids.add(s.ids[s.seen++]);
            }
            s.seen += Math.max(0, drafts[c] - 1);
            cuQ[c + 1] = ids.size();
        }
        int[] row =
                Arrays.stream(chunks).mapToInt(chunk -> chunk.sequence().row).toArray();
        return new DraftBatch(ints(ids), cuQ, context, row, drafts);
    }

    /** Asks for the log-probabilities of the tokens that follow, and for a draw after the last. */
    private static void score(
            Sequence s, int from, int to, List<Integer> sampleToken, List<Integer> sampleRow, List<Integer> target) {
        for (int t = from; t < to; t++) {
            int next = s.computed - to + t + 1;
            sampleToken.add(t);
            sampleRow.add(s.row);
            target.add(next < s.length ? s.ids[next] : ForwardBatch.DRAWN);
        }
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    private void begin(Sequence s, List<RowAssignment> assignments) {
        if (s.mediaRows != null) {
            return;
        }
        int count = s.media.stream().mapToInt(span -> span.item().numTokens()).sum();
        s.mediaRows = IntStream.range(nextMediaRow, nextMediaRow + count).toArray();
        assignments.add(new RowAssignment(s.row, s.params, 0, Arrays.copyOf(s.ids, s.length), NONE));
        List<MediaInput> encode = new ArrayList<>();
        int first = 0;
        for (MediaSpan span : s.media) {
            int end = first + span.item().numTokens();
            encode.add(new MediaInput(span.item(), Arrays.copyOfRange(s.mediaRows, first, end)));
            first = end;
        }
        nextMediaRow += count;
        if (count > 0) {
            encode(encode).join();
        }
    }

    /** Done when the encoding is. */
    CompletableFuture<Long> encode(List<MediaInput> media) {
        var result = new CompletableFuture<Long>();
        executor.encode(new EncoderBatch(nextEncoding++, media), EncodingListener.completing(result));
        return result;
    }
}

package dev.millrace.operators.engine;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.operators.kvcache.IntList;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A model whose next token is a hash of its context, read back through the block tables as attention reads it. Each slot
 * remembers what was written to it, so a lost, shared or stale block, a wrong position or a wrong media row changes the
 * answer or is refused outright. Steps are computed only when asked for, in order, as late as the test likes, and so are
 * encodings beside them; blocks that were given away meanwhile, and media rows until their encoding was reported, are
 * poisoned in the order in which a device would see it.
 */
final class RememberingExecutor implements ModelExecutor {

    static final int VOCABULARY = 48;

    private static final long EMPTY = 7; // hash of no context
    private static final int CANDIDATES = 50; // tokens that a beam may go on with
    private static final long POISON = 0;

    private final int numBlocks;
    private final int blockSize;
    private final long[] slots;
    private final boolean[] overwritable; // slots that were copied
    private final long[] media;
    private final boolean[] readable; // media rows whose encoding was reported
    private final RememberedRow[] rows;
    private final RememberingDraftModel draftModel;
    private final IntList drafts = new IntList(16); // of the step at hand
    private final List<ForwardBatch> batches = new ArrayList<>();
    private final List<EncoderBatch> encoderBatches = new ArrayList<>();
    private final Deque<Runnable> queue = new ArrayDeque<>();
    private final Deque<Encoding> encodings = new ArrayDeque<>();
    private boolean hasty;
    private StepOutput output;
    private long nextStep;
    private long computed;

    RememberingExecutor(int numBlocks, int blockSize, int mediaRows, int maxNumSeqs) {
        this.numBlocks = numBlocks;
        this.blockSize = blockSize;
        this.slots = new long[numBlocks * blockSize];
        this.overwritable = new boolean[slots.length];
        this.media = new long[mediaRows];
        this.readable = new boolean[mediaRows];
        this.draftModel = new RememberingDraftModel(numBlocks, blockSize);
        this.rows = new RememberedRow[maxNumSeqs];
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
        return media.length;
    }

    @Override
    public float[] readMedia(int[] wanted) {
        throw new UnsupportedOperationException("embeddings are hashes here");
    }

    @Override
    public void launch(ForwardBatch batch, StepListener listener) {
        require(batch.step() == nextStep++, "steps are launched in order");
        batches.add(batch);
        long targets = Arrays.stream(batch.target())
                .filter(id -> id != ForwardBatch.DRAWN)
                .count();
        require(targets <= ForwardBatch.MOST_TARGETS, "a step has no more targets than there is room for");
        for (int mediaRow : batch.mediaRow()) {
            require(mediaRow < 0 || readable[mediaRow], "media row " + mediaRow + " was reported before it is read");
        }
        int checksum = checksum(batch);
        queue.add(() -> {
            require(checksum == checksum(batch), "a launched batch does not change");
            output = compute(batch);
        });
    }

    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        require(batch.number() == encoderBatches.size(), "encodings are launched in order");
        encoderBatches.add(batch);
        Encoding encoding = new Encoding(batch, nextStep, listener);
        encodings.add(encoding);
        batch.media().forEach(input -> setReadable(input, false));
        queue.add(() -> poison(encoding));
        if (hasty) {
            listener.encoded(batch.number());
        }
    }

    private void poison(Encoding encoding) {
        encoding.begun = true;
        encoding.batch.media().forEach(input -> Arrays.stream(input.rows()).forEach(row -> media[row] = POISON));
    }

    private void setReadable(MediaInput input, boolean value) {
        Arrays.stream(input.rows()).forEach(row -> readable[row] = value);
    }

    /** Reports encodings when they are launched rather than when they are done. */
    void reportHastily() {
        hasty = true;
    }

    /** Whether there is an encoding that the steps launched before it do not hold up. */
    boolean mayEncode() {
        return !encodings.isEmpty() && encodings.element().firstStep <= computed;
    }

    /** Does the oldest encoding, and reports it. */
    void encodeOldest() {
        Encoding encoding = encodings.remove();
        while (!encoding.begun) {
            queue.remove().run();
        }
        encoding.batch.media().forEach(this::encode);
        if (!hasty) {
            encoding.batch.media().forEach(input -> setReadable(input, true));
            encoding.listener.encoded(encoding.batch.number());
        }
    }

    /** An encoding launched; steps before {@code firstStep} may still read what its rows held. */
    private static final class Encoding {
        private final EncoderBatch batch;
        private final long firstStep;
        private final EncodingListener listener;
        private boolean begun;

        Encoding(EncoderBatch batch, long firstStep, EncodingListener listener) {
            this.batch = batch;
            this.firstStep = firstStep;
            this.listener = listener;
        }
    }

    /** Every encoding launched. */
    List<EncoderBatch> encoderBatches() {
        return encoderBatches;
    }

    /** Forgets a block's content once the steps launched before are done. */
    void poison(int block) {
        queue.add(() -> {
            Arrays.fill(slots, block * blockSize, (block + 1) * blockSize, POISON);
            Arrays.fill(overwritable, block * blockSize, (block + 1) * blockSize, false);
            draftModel.forget(block);
        });
    }

    RememberingDraftModel draftModel() {
        return draftModel;
    }

    /** Every step launched. */
    List<ForwardBatch> batches() {
        return batches;
    }

    /** Whether a launched step was not computed yet. */
    boolean hasSteps() {
        return computed < nextStep;
    }

    /** Computes the oldest step launched. */
    StepOutput computeOldest() {
        output = null;
        computed++;
        while (output == null) {
            queue.remove().run();
        }
        return output;
    }

    @Override
    public void close() {
        queue.clear();
    }

    private StepOutput compute(ForwardBatch batch) {
        for (RowAssignment assignment : batch.assignments()) {
            rows[assignment.row()] = new RememberedRow(assignment, numBlocks);
        }
        for (int i = 0; i < batch.tableUpdates().length; i += 3) {
            updateTable(batch.tableUpdates()[i], batch.tableUpdates()[i + 1], batch.tableUpdates()[i + 2]);
        }
        copy(batch.copyPairs());
        if (batch.draft() != null) {
            draftModel.compute(batch.draft(), rows);
        }
        drafts.clear();
        // What was computed before must be there before anything of this step is written.
        for (int s = 0; s < batch.numSequences(); s++) {
            hashContext(rows[batch.row()[s]], batch.contextLength()[s] - count(batch, s));
        }
        for (int s = 0; s < batch.numSequences(); s++) {
            write(batch, s);
        }
        return sample(batch);
    }

    private void updateTable(int row, int index, int block) {
        require(block > 0 && block < numBlocks, "block " + block + " exists and is not the null block");
        rows[row].setBlock(index, block);
    }

    /** As a device does: at once. */
    private void copy(int[] pairs) {
        long[] before = slots.clone();
        boolean[] written = new boolean[numBlocks];
        for (int i = 0; i < pairs.length; i += 2) {
            int to = pairs[i + 1] * blockSize;
            require(!written[pairs[i + 1]], "a block is copied to once");
            written[pairs[i + 1]] = true;
            System.arraycopy(before, pairs[i] * blockSize, slots, to, blockSize);
            Arrays.fill(overwritable, to, to + blockSize, true);
            draftModel.copy(pairs[i], pairs[i + 1]);
        }
        for (int i = 0; i < pairs.length; i += 2) {
            require(!written[pairs[i]], "a block is not copied from and to");
        }
    }

    private void encode(MediaInput input) {
        require(input.rows().length == input.item().numTokens(), "an item has a row for each token");
        for (int i = 0; i < input.rows().length; i++) {
            media[input.rows()[i]] =
                    mix(mix(input.item().key().high(), input.item().key().low()), i + 1);
        }
    }

    private void write(ForwardBatch batch, int s) {
        RememberedRow row = rows[batch.row()[s]];
        int count = count(batch, s);
        int start = batch.contextLength()[s] - count;
        for (int j = 0; j < count; j++) {
            int at = batch.cuQ()[s] + j;
            int index = start + j;
            int token = token(batch, at, row, index);
            if (index == row.size()) {
                row.guess(token);
            }
            require(token == row.token(index), "the row's history is the sequence's");
            int slot = row.slot(index, blockSize);
            require(slots[slot] == POISON || overwritable[slot], "slot " + slot + " is written once");
            overwritable[slot] = false;
            slots[slot] = content(batch, at, token);
            if (batch.ids()[at] == ForwardBatch.DRAFTED && j + 1 < count) {
                draftModel.see(row, index);
            }
        }
    }

    private int token(ForwardBatch batch, int at, RememberedRow row, int index) {
        return switch (batch.ids()[at]) {
            case ForwardBatch.LAST_SAMPLED -> row.lastSampled();
            case ForwardBatch.DRAFTED -> draft(batch, row, index);
            default -> batch.ids()[at];
        };
    }

    /** What will be sampled, or something else. */
    private int draft(ForwardBatch batch, RememberedRow row, int index) {
        int right = row.draw(hashContext(row, index), index, new int[0]);
        boolean guessed = Long.remainderUnsigned(mix(mix(batch.step(), index), right) >>> 9, 4) > 0;
        int token = guessed ? right : (right + 1 + index % 5) % VOCABULARY;
        drafts.add(token);
        return token;
    }

    private long content(ForwardBatch batch, int at, int token) {
        int mediaRow = batch.mediaRow()[at];
        require(mediaRow < 0 || media[mediaRow] != 0, "media row " + mediaRow + " is encoded before it is read");
        long content = mediaRow < 0 ? token : media[mediaRow];
        for (int axis = 0; axis < 3; axis++) {
            content = mix(content, batch.positions()[axis * batch.numTokens() + at]);
        }
        return content;
    }

    private StepOutput sample(ForwardBatch batch) {
        int[] tokens = new int[batch.numSamples()];
        SampleLogprobs[] logprobs = new SampleLogprobs[tokens.length];
        int s = 0;
        for (int r = 0; r < tokens.length; r++) {
            while (batch.cuQ()[s + 1] <= batch.sampleToken()[r]) {
                s++;
            }
            RememberedRow row = rows[batch.sampleRow()[r]];
            if (batch.hasTarget(r)) {
                require(batch.sampleRow()[r] == batch.row()[s], "a score has its sequence's row");
                logprobs[r] = score(batch, s, r);
                continue;
            }
            require(
                    batch.sampleRow()[r] == batch.row()[s] || row.known() == batch.contextLength()[s],
                    "a sample has its sequence's row, or that of one that has the same tokens");
            int length = batch.contextLength()[s] - batch.cuQ()[s + 1] + batch.sampleToken()[r] + 1;
            long hash = hashContext(row, length);
            tokens[r] = row.draw(hash, length, banned(batch, r));
            int k = batch.numLogprobs()[r];
            logprobs[r] = k < 0 ? null : new SampleLogprobs(-(hash & 7), 1, new int[k], new float[k]);
            require(
                    batch.isAfterDraft(r) || length == row.known(),
                    "a sequence's first sample follows the last token that it has");
            if (length == row.size()) {
                settle(row, tokens, r);
            }
        }
        return new StepOutput(batch.step(), tokens, logprobs, null, drafts.size() == 0 ? null : drafts.toArray(0), 0);
    }

    /** Keeps what was guessed rightly; nobody may read what was computed of the rest. */
    private void settle(RememberedRow row, int[] tokens, int lastSample) {
        int guesses = row.size() - row.known();
        int first = lastSample - guesses;
        int accepted = 0;
        while (accepted < guesses && tokens[first + accepted] == row.token(row.known() + accepted)) {
            accepted++;
        }
        for (int i = row.known() + accepted; i < row.size(); i++) {
            slots[row.slot(i, blockSize)] = POISON;
        }
        row.settle(accepted, tokens[first + accepted]);
    }

    /** A score that depends on the context and on the token that follows it. */
    private SampleLogprobs score(ForwardBatch batch, int s, int r) {
        RememberedRow row = rows[batch.row()[s]];
        int length = batch.contextLength()[s] - batch.cuQ()[s + 1] + batch.sampleToken()[r] + 1;
        if (length == row.size()) {
            return candidates(hashContext(row, length), batch.numLogprobs()[r]);
        }
        require(batch.target()[r] == row.token(length), "a target is the next token");
        int k = batch.numLogprobs()[r];
        float logprob = -(mix(hashContext(row, length), batch.target()[r]) & 0xFFFF);
        return new SampleLogprobs(logprob, 1, new int[k], new float[k]);
    }

    /** What a beam whose context is a text would get. */
    static SampleLogprobs candidates(int[] text, int count) {
        long hash = EMPTY;
        for (int i = 0; i < text.length; i++) {
            hash = mix(hash, mix(mix(mix(text[i], i), i), i));
        }
        return candidates(hash, count);
    }

    private static SampleLogprobs candidates(long hash, int count) {
        float[] logprobs = new float[CANDIDATES];
        for (int id = 0; id < CANDIDATES; id++) {
            logprobs[id] = -((mix(hash, id) >>> 8) & 0xFFFFF) / 65536f;
        }
        int[] ids = IntStream.range(0, CANDIDATES)
                .boxed()
                .sorted((a, b) -> Float.compare(logprobs[b], logprobs[a]))
                .limit(count)
                .mapToInt(Integer::intValue)
                .toArray();
        float[] best = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            best[i] = logprobs[ids[i]];
        }
        return new SampleLogprobs(0, 1, ids, best);
    }

    private long hashContext(RememberedRow row, int length) {
        long hash = EMPTY;
        for (int i = 0; i < length; i++) {
            long content = slots[row.slot(i, blockSize)];
            require(content != POISON, "token " + i + " of the context is there");
            hash = mix(hash, content);
        }
        return hash;
    }

    private static int[] banned(ForwardBatch batch, int sample) {
        int[] offsets = batch.bannedOffsets();
        return offsets.length == 0
                ? new int[0]
                : Arrays.copyOfRange(batch.banned(), offsets[sample], offsets[sample + 1]);
    }

    private static int count(ForwardBatch batch, int s) {
        return batch.cuQ()[s + 1] - batch.cuQ()[s];
    }

    static long mix(long hash, long value) {
        long mixed = (hash ^ value) * 0x9E3779B97F4A7C15L;
        mixed ^= mixed >>> 29;
        return mixed == POISON ? 1 : mixed;
    }

    private static int checksum(ForwardBatch batch) {
        return Arrays.deepHashCode(new Object[] {
            batch.ids(),
            batch.mediaRow(),
            batch.positions(),
            batch.cuQ(),
            batch.contextLength(),
            batch.row(),
            batch.sampleToken(),
            batch.sampleRow(),
            batch.target(),
            batch.numLogprobs(),
            batch.bannedOffsets(),
            batch.banned(),
            batch.tableUpdates(),
            batch.copyPairs(),
            batch.assignments()
        });
    }

    static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalStateException("the executor was misled: " + rule);
        }
    }
}

package dev.millrace.gpu.step;

import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import java.util.Arrays;

/**
 * The most that a step or an encoding may ask for; a kernel that reads beyond any of these would break the whole context.
 *
 * @param tokens most tokens
 * @param rows rows of per-sequence state, and most sequences
 * @param tableLength most blocks of a sequence
 * @param numBlocks blocks of the key-value cache
 * @param mediaRows rows of the media buffer
 * @param vocabSize tokens there are
 * @param drafts most drafts of a sequence
 */
public record StepLimits(
        int tokens, int rows, int tableLength, int numBlocks, int mediaRows, int vocabSize, int drafts) {

    private static final int BLOCK_TOKENS = 16;

    /** Without drafts. */
    public StepLimits(int tokens, int rows, int tableLength, int numBlocks, int mediaRows, int vocabSize) {
        this(tokens, rows, tableLength, numBlocks, mediaRows, vocabSize, 0);
    }

    /** The same with so many blocks. */
    public StepLimits withNumBlocks(int blocks) {
        return new StepLimits(tokens, rows, tableLength, blocks, mediaRows, vocabSize, drafts);
    }

    /** Samples that a step may have, those with a target included. Of sequences that are forked several follow one token. */
    public int samples() {
        return rows + verified() + ForwardBatch.MOST_TARGETS;
    }

    /** Drafts that a step may have. */
    private int verified() {
        return (int) Math.min(tokens, (long) rows * drafts);
    }

    /** Sequences that a step may have. */
    public int sequences() {
        return Math.min(tokens, rows);
    }

    /** Sequences that a step is computed as: {@link SingleTokens} makes several of one that brings drafts. */
    public int computedSequences() {
        return Math.min(tokens, rows + verified());
    }

    /** Tokens that the draft model may compute: of each sequence one that it has not seen of the step before, too. */
    public int draftTokens() {
        return tokens + rows;
    }

    /** Tokens of the longest sequence. */
    public int context() {
        return tableLength * BLOCK_TOKENS;
    }

    /** @throws IllegalArgumentException naming the value that is not allowed */
    public void check(ForwardBatch batch) {
        within("tokens", batch.numTokens(), 1, tokens);
        within("sequences", batch.numSequences(), 1, rows);
        within("samples", batch.numSamples(), 0, samples());
        for (int id : batch.ids()) {
            boolean known = id != ForwardBatch.LAST_SAMPLED && id != ForwardBatch.DRAFTED;
            if (known && (id < 0 || id >= vocabSize)) {
                throw new IllegalArgumentException("token id " + id + " is outside the vocabulary of " + vocabSize);
            }
        }
        all("media row", batch.mediaRow(), -1, mediaRows - 1);
        all("row", batch.row(), 0, rows - 1);
        all("sampled token", batch.sampleToken(), 0, batch.numTokens() - 1);
        all("target", batch.target(), ForwardBatch.DRAWN, vocabSize - 1);
        all("sampled row", batch.sampleRow(), 0, rows - 1);
        within("copied blocks", batch.copyPairs().length / 2, 0, rows);
        all("copied block", batch.copyPairs(), 0, numBlocks - 1);
        checkSequences(batch);
        checkDrafts(batch);
        int[] updates = batch.tableUpdates();
        for (int i = 0; i < updates.length; i += 3) {
            within("row of a block table", updates[i], 0, rows - 1);
            within("index in a block table", updates[i + 1], 0, tableLength - 1);
            within("block", updates[i + 2], 0, numBlocks - 1);
        }
    }

    /** @throws IllegalArgumentException naming the value that is not allowed */
    public void check(EncoderBatch batch) {
        int together = 0;
        for (MediaInput input : batch.media()) {
            int tokens = input.item().numTokens();
            within("rows for the embeddings of an item", input.rows().length, tokens, tokens);
            all("media row", input.rows(), 0, mediaRows - 1);
            together += tokens;
        }
        within("rows encoded together", together, 1, mediaRows);
    }

    private void checkSequences(ForwardBatch batch) {
        for (int s = 0; s < batch.numSequences(); s++) {
            int count = batch.cuQ()[s + 1] - batch.cuQ()[s];
            within("tokens of a sequence", count, 1, batch.numTokens());
            within("context length", batch.contextLength()[s], count, tableLength * BLOCK_TOKENS);
        }
        within("first token", batch.cuQ()[0], 0, 0);
        within("end of the tokens", batch.cuQ()[batch.numSequences()], batch.numTokens(), batch.numTokens());
    }

    /** Drafts come at the ends of sequences, as many as the draft model's part of the step says. */
    private void checkDrafts(ForwardBatch batch) {
        int before = 0;
        for (int i = 0; i < batch.numSamples(); i++) {
            before = batch.isAfterDraft(i) ? before + 1 : 0;
            within("drafts before a sample", before, 0, drafts);
        }
        DraftBatch draft = batch.draft();
        int places = Math.toIntExact(Arrays.stream(batch.ids())
                .filter(id -> id == ForwardBatch.DRAFTED)
                .count());
        int drafted = draft == null ? 0 : Arrays.stream(draft.drafts()).sum();
        within("places for drafts", places, drafted, drafted);
        if (draft == null) {
            return;
        }
        within("tokens of the draft model", draft.numTokens(), 1, draftTokens());
        int s = 0;
        for (int i = 0; i < draft.numSequences(); i++) {
            while (s < batch.numSequences() && batch.row()[s] != draft.row()[i]) {
                s++;
            }
            within("sequence of drafts", s, 0, batch.numSequences() - 1);
            int end = batch.cuQ()[s + 1];
            int count = draft.drafts()[i];
            within("drafts of a sequence", count, 0, Math.min(drafts, end - batch.cuQ()[s] - 1));
            all("draft", Arrays.copyOfRange(batch.ids(), end - count, end), ForwardBatch.DRAFTED, ForwardBatch.DRAFTED);
            int unseen = draft.cuQ()[i + 1] - draft.cuQ()[i];
            within("tokens of a drafted sequence", unseen, 1, draft.numTokens());
            within("context of drafts", draft.contextLength()[i] + Math.max(0, count - 1), unseen, context());
        }
        within(
                "end of the draft model's tokens",
                draft.cuQ()[draft.numSequences()],
                draft.numTokens(),
                draft.numTokens());
    }

    private static void all(String what, int[] values, int min, int max) {
        for (int value : values) {
            within(what, value, min, max);
        }
    }

    private static void within(String what, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    what + " " + value + " is not allowed; from " + min + " to " + max + " are");
        }
    }
}

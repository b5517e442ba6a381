package dev.millrace.gpu.step;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;

/**
 * The most that a step or an encoding may ask for; a kernel that reads beyond any of these would break the whole context.
 *
 * @param tokens most tokens
 * @param rows rows of per-sequence state, and most sequences
 * @param tableLength most blocks of a sequence
 * @param numBlocks blocks of the key-value cache
 * @param mediaRows rows of the media buffer
 * @param vocabSize tokens there are
 */
public record StepLimits(int tokens, int rows, int tableLength, int numBlocks, int mediaRows, int vocabSize) {

    private static final int BLOCK_TOKENS = 16;

    /** The same with so many blocks. */
    public StepLimits withNumBlocks(int blocks) {
        return new StepLimits(tokens, rows, tableLength, blocks, mediaRows, vocabSize);
    }

    /** Samples that a step may have, those with a target included. Of sequences that are forked several follow one token. */
    public int samples() {
        return rows + ForwardBatch.MOST_TARGETS;
    }

    /** Sequences that a step may have. */
    public int sequences() {
        return Math.min(tokens, rows);
    }

    /** @throws IllegalArgumentException naming the value that is not allowed */
    public void check(ForwardBatch batch) {
        within("tokens", batch.numTokens(), 1, tokens);
        within("sequences", batch.numSequences(), 1, rows);
        within("samples", batch.numSamples(), 0, samples());
        for (int id : batch.ids()) {
            if (id != ForwardBatch.LAST_SAMPLED && (id < 0 || id >= vocabSize)) {
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

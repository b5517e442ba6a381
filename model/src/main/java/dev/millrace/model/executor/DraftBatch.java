package dev.millrace.model.executor;

/**
 * What the draft model computes before a step: T' tokens that it has not seen of S' of the step's sequences, in the step's
 * order, then as many drafts as each sequence gets, one after another. It is a text model: media stand as their
 * placeholder tokens, and positions are the tokens' indices in their sequence. Its key-value cache has the blocks and tables
 * of the step, in storage of its own which begins as zeros; copies of blocks are made there too. Rows are the step's.
 *
 * <p>A draft is drawn as the step's samples are, as if the drafts before it were part of the output: with the row's
 * parameters and the keyed noise of its position. Drafts are hints: whatever they are, the step's answer is the same. So ids
 * that the draft model does not know may be any other's, and what the model knows beyond the target's vocabulary is
 * not drafted.
 *
 * @param ids [T'] token ids, all known
 * @param cuQ [S'+1] where each sequence's tokens start in {@code ids}
 * @param contextLength [S'] tokens of the sequence in the draft model's cache once {@code ids} are there
 * @param row [S'] each sequence's row
 * @param drafts [S'] how many tokens are drafted: as many as the step has places {@link ForwardBatch#DRAFTED} of the sequence
 */
public record DraftBatch(int[] ids, int[] cuQ, int[] contextLength, int[] row, int[] drafts) {

    public int numTokens() {
        return ids.length;
    }

    public int numSequences() {
        return row.length;
    }

    /** Most drafts of a sequence: so often the draft model runs, or once where it only has to see tokens. */
    public int mostDrafts() {
        int most = 0;
        for (int count : drafts) {
            most = Math.max(most, count);
        }
        return most;
    }
}

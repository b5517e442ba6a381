package dev.millrace.operators.engine;

import dev.millrace.model.executor.DraftBatch;
import java.util.Arrays;

/**
 * The draft model's cache, which remembers tokens, in the blocks that the step's model has: what it is given must be the
 * sequence's, and is all of it as a rule.
 */
final class RememberingDraftModel {

    private static final int UNSEEN = -1;

    private final int blockSize;
    private final int[] slots;
    private long contexts;
    private long incomplete;

    RememberingDraftModel(int numBlocks, int blockSize) {
        this.blockSize = blockSize;
        this.slots = new int[numBlocks * blockSize];
        Arrays.fill(slots, UNSEEN);
    }

    /** How often tokens were drafted. */
    long contexts() {
        return contexts;
    }

    /** How often of these the model had not seen all tokens. */
    long incomplete() {
        return incomplete;
    }

    void forget(int block) {
        Arrays.fill(slots, block * blockSize, (block + 1) * blockSize, UNSEEN);
    }

    void copy(int from, int to) {
        System.arraycopy(slots, from * blockSize, slots, to * blockSize, blockSize);
    }

    void see(RememberedRow row, int index) {
        slots[row.slot(index, blockSize)] = row.token(index);
    }

    void compute(DraftBatch batch, RememberedRow[] rows) {
        for (int s = 0; s < batch.numSequences(); s++) {
            RememberedRow row = rows[batch.row()[s]];
            int count = batch.cuQ()[s + 1] - batch.cuQ()[s];
            int start = batch.contextLength()[s] - count;
            RememberingExecutor.require(count > 0, "the draft model is given tokens or nothing");
            for (int i = 0; i < count; i++) {
                int id = batch.ids()[batch.cuQ()[s] + i];
                RememberingExecutor.require(id == row.token(start + i), "the draft model sees the sequence's tokens");
                see(row, start + i);
            }
            if (batch.drafts()[s] > 0) {
                RememberingExecutor.require(
                        batch.contextLength()[s] == row.known(), "drafts follow the last known token");
                contexts++;
                incomplete += sawAll(row) ? 0 : 1;
            }
        }
    }

    private boolean sawAll(RememberedRow row) {
        for (int i = 0; i < row.known(); i++) {
            if (slots[row.slot(i, blockSize)] != row.token(i)) {
                return false;
            }
        }
        return true;
    }
}

package dev.millrace.cpu.operations;

import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;

/**
 * Where each token of a step belongs and how attention is cut into items. An item is four queries of one key-value head
 * of one sequence; query number {@code token · group + head} of a sequence, so that a token's heads lie together.
 */
final class TokenPlan {

    private final ForwardBatch batch;
    private final int[] sequence; // [T]
    private final int[] firstItem; // [S+1]
    private final int[] tiles; // [S]
    private final int group;

    /**
     * @param keyValueHeads heads of the cache
     * @param group query heads that share one
     */
    TokenPlan(ForwardBatch batch, int keyValueHeads, int group) {
        this.batch = batch;
        this.group = group;
        int sequences = batch.numSequences();
        sequence = new int[batch.numTokens()];
        tiles = new int[sequences];
        firstItem = new int[sequences + 1];
        for (int s = 0; s < sequences; s++) {
            Arrays.fill(sequence, batch.cuQ()[s], batch.cuQ()[s + 1], s);
            tiles[s] = (queries(s) + Attention.QUERIES - 1) / Attention.QUERIES;
            firstItem[s + 1] = firstItem[s] + tiles[s] * keyValueHeads;
        }
    }

    int items() {
        return firstItem[firstItem.length - 1];
    }

    /** Sequence that a token belongs to. */
    int sequenceOf(int token) {
        return sequence[token];
    }

    /** Index of a token in its sequence. */
    int indexOf(int token) {
        int s = sequence[token];
        return batch.contextLength()[s] - batch.cuQ()[s + 1] + token;
    }

    /** Sequence that an item belongs to. */
    int sequenceOfItem(int item) {
        int found = Arrays.binarySearch(firstItem, item);
        int s = found >= 0 ? found : -found - 2;
        while (firstItem[s + 1] == item) {
            s++;
        }
        return s;
    }

    /** Key-value head of an item. */
    int headOfItem(int item, int s) {
        return (item - firstItem[s]) / tiles[s];
    }

    /** First query of an item. */
    int firstQuery(int item, int s) {
        return (item - firstItem[s]) % tiles[s] * Attention.QUERIES;
    }

    /** Queries that a sequence has for one key-value head. */
    int queries(int s) {
        return (batch.cuQ()[s + 1] - batch.cuQ()[s]) * group;
    }

    int longestContext() {
        int longest = 0;
        for (int length : batch.contextLength()) {
            longest = Math.max(longest, length);
        }
        return longest;
    }
}

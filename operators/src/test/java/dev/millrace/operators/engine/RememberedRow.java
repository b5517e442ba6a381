package dev.millrace.operators.engine;

import dev.millrace.model.executor.RowAssignment;
import dev.millrace.operators.kvcache.IntList;
import java.util.Arrays;

/** What a {@link RememberingExecutor} keeps for a sequence: its tokens, and behind them what a step guesses. */
final class RememberedRow {

    private final RowAssignment assignment;
    private final IntList history = new IntList(64);
    private final int[] table;
    private int tableSize;
    private int known;

    RememberedRow(RowAssignment assignment, int mostBlocks) {
        this.assignment = assignment;
        this.table = new int[mostBlocks];
        history.addAll(assignment.promptIds());
        history.addAll(assignment.outputIds());
        known = history.size();
    }

    void setBlock(int index, int block) {
        RememberingExecutor.require(index <= tableSize, "a table grows by one block after another");
        table[index] = block;
        tableSize = Math.max(tableSize, index + 1);
    }

    int slot(int index, int blockSize) {
        RememberingExecutor.require(index / blockSize < tableSize, "token " + index + " has a block");
        return table[index / blockSize] * blockSize + index % blockSize;
    }

    int token(int index) {
        return history.get(index);
    }

    /** Tokens that it has for good. */
    int known() {
        return known;
    }

    /** Tokens, guesses included. */
    int size() {
        return history.size();
    }

    int lastSampled() {
        RememberingExecutor.require(known > assignment.promptIds().length, "a token was sampled before");
        return history.get(known - 1);
    }

    void guess(int token) {
        history.add(token);
    }

    /** Keeps the first guesses, forgets the others, and takes the token that was sampled behind them. */
    void settle(int accepted, int sampled) {
        known += accepted;
        int[] kept = Arrays.copyOf(history.toArray(0), known);
        history.clear();
        history.addAll(kept);
        history.add(sampled);
        known++;
    }

    /** A token that depends on the context, the row's parameters and, as penalties do, on its first tokens. */
    int draw(long context, int length, int[] banned) {
        long hash = RememberingExecutor.mix(
                RememberingExecutor.mix(context, assignment.params().seed()), assignment.choice());
        hash = RememberingExecutor.mix(hash, Arrays.hashCode(Arrays.copyOf(history.toArray(0), length)));
        int token = (int) Long.remainderUnsigned(hash >>> 8, RememberingExecutor.VOCABULARY);
        int outputs = length - assignment.promptIds().length;
        boolean mayStop = outputs >= assignment.params().minTokens();
        while (contains(banned, token)
                || !mayStop && contains(assignment.params().stopIds(), token)) {
            token = (token + 1) % RememberingExecutor.VOCABULARY;
        }
        return token;
    }

    private static boolean contains(int[] ids, int id) {
        return Arrays.stream(ids).anyMatch(candidate -> candidate == id);
    }
}

package dev.millrace.model.sampling;

import java.util.Arrays;

/**
 * Which tokens a sequence holds in prompt and output, and how often in the output. An open-addressing table, so that a row
 * costs what its tokens do and not what the vocabulary does.
 */
public final class TokenCounts {

    private static final int EMPTY = -1;

    private int[] tokens = emptyTable(64);
    private int[] outputCounts = new int[64];
    private boolean[] inPrompt = new boolean[64];
    private int size;

    /** What a penalty wants to know of a token. */
    @FunctionalInterface
    public interface Visitor {
        void visit(int token, int outputCount);
    }

    public void addPrompt(int token) {
        int slot = slot(token);
        inPrompt[slot] = true;
    }

    public void addOutput(int token) {
        int slot = slot(token);
        outputCounts[slot]++;
    }

    /** Takes back an {@link #addOutput}. */
    public void removeOutput(int token) {
        outputCounts[find(token)]--;
    }

    /** Visits each token of prompt and output once, in no certain order. */
    public void forEach(Visitor visitor) {
        for (int i = 0; i < tokens.length; i++) {
            if (inPrompt[i] || outputCounts[i] > 0) {
                visitor.visit(tokens[i], outputCounts[i]);
            }
        }
    }

    private int slot(int token) {
        if (2 * size >= tokens.length) {
            grow();
        }
        int slot = find(token);
        if (tokens[slot] == EMPTY) {
            tokens[slot] = token;
            size++;
        }
        return slot;
    }

    private int find(int token) {
        int mask = tokens.length - 1;
        int slot = token * 0x9E3779B9 >>> 7 & mask;
        while (tokens[slot] != EMPTY && tokens[slot] != token) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        int[] oldTokens = tokens;
        int[] oldCounts = outputCounts;
        boolean[] oldPrompt = inPrompt;
        tokens = emptyTable(2 * oldTokens.length);
        outputCounts = new int[tokens.length];
        inPrompt = new boolean[tokens.length];
        for (int i = 0; i < oldTokens.length; i++) {
            if (oldTokens[i] != EMPTY) {
                int slot = find(oldTokens[i]);
                tokens[slot] = oldTokens[i];
                outputCounts[slot] = oldCounts[i];
                inPrompt[slot] = oldPrompt[i];
            }
        }
    }

    private static int[] emptyTable(int length) {
        int[] table = new int[length];
        Arrays.fill(table, EMPTY);
        return table;
    }
}

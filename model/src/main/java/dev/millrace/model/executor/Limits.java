package dev.millrace.model.executor;

import java.io.Serializable;

/**
 * How much a step and a sequence may hold. Names are vLLM's.
 *
 * @param maxNumBatchedTokens most tokens in a step
 * @param maxNumSeqs most sequences that run at a time
 * @param maxModelLen most tokens of a sequence, prompt and answer
 */
public record Limits(int maxNumBatchedTokens, int maxNumSeqs, int maxModelLen) implements Serializable {

    /**
     * @throws IllegalArgumentException naming the limit, its value and what is allowed
     */
    public Limits {
        atLeast("max-num-batched-tokens", maxNumBatchedTokens, 1);
        atLeast("max-num-seqs", maxNumSeqs, 1);
        atLeast("max-model-len", maxModelLen, 2);
    }

    /** The same with sequences of at most so many tokens. */
    public Limits withMaxModelLen(int tokens) {
        return new Limits(maxNumBatchedTokens, maxNumSeqs, tokens);
    }

    private static void atLeast(String name, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " is " + value + ", but must be at least " + least);
        }
    }
}

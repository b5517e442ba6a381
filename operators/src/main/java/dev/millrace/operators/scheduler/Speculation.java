package dev.millrace.operators.scheduler;

import java.io.Serializable;

/**
 * How sequences speculate. Names are vLLM's.
 *
 * @param numSpeculativeTokens most drafts of a sequence in a step; 0: nothing is drafted
 * @param promptLookupMin fewest tokens at a sequence's end that are looked up before it; 0: a draft model drafts
 * @param promptLookupMax most tokens that are
 */
public record Speculation(int numSpeculativeTokens, int promptLookupMin, int promptLookupMax) implements Serializable {

    public static final Speculation NONE = new Speculation(0, 0, 0);

    /** Drafts of a draft model. */
    public static Speculation draftModel(int numSpeculativeTokens) {
        return new Speculation(numSpeculativeTokens, 0, 0);
    }

    public boolean isOn() {
        return numSpeculativeTokens > 0;
    }

    /** Whether the executor is to make the drafts. */
    public boolean hasDraftModel() {
        return isOn() && promptLookupMin == 0;
    }
}

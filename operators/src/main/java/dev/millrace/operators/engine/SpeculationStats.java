package dev.millrace.operators.engine;

/**
 * What came of drafts since the start; names follow vLLM's metrics.
 *
 * @param numDrafts how often a sequence had drafts
 * @param numDraftTokens drafts
 * @param numAcceptedTokens drafts that were accepted
 * @param numAcceptedTokensPerPos [k] those of them that were a sequence's first, second, … draft; never changed
 */
public record SpeculationStats(
        long numDrafts, long numDraftTokens, long numAcceptedTokens, long[] numAcceptedTokensPerPos) {

    public static final SpeculationStats NONE = new SpeculationStats(0, 0, 0, new long[0]);
}

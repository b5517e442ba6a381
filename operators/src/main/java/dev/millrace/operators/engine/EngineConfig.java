package dev.millrace.operators.engine;

import java.io.Serializable;

/**
 * The engine's limits. Names are vLLM's.
 *
 * @param maxNumBatchedTokens token budget of a step
 * @param maxNumSeqs sequences that run at a time
 * @param maxModelLen most tokens of a sequence, prompt and answer
 * @param enablePrefixCaching whether full blocks are found again by their content
 * @param enableChunkedPrefill whether a prompt may be spread over steps; if not, the budget must hold a whole prompt
 * @param longPrefillTokenThreshold most tokens of one prompt in one step; 0: no such limit
 * @param policy who goes first
 * @param stepsAhead steps that may be in flight at a time, at least 1
 */
public record EngineConfig(
        int maxNumBatchedTokens,
        int maxNumSeqs,
        int maxModelLen,
        boolean enablePrefixCaching,
        boolean enableChunkedPrefill,
        int longPrefillTokenThreshold,
        Policy policy,
        int stepsAhead)
        implements Serializable {

    /** Who goes first. */
    public enum Policy {
        /** In order of arrival. */
        FCFS,
        /** Lower priority number first, then in order of arrival. */
        PRIORITY
    }
}

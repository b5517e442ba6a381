package dev.millrace.operators.scheduler;

/**
 * What a step may hold.
 *
 * @param maxNumBatchedTokens tokens
 * @param maxNumSeqs sequences that run at a time
 * @param enablePrefixCaching whether full blocks are found again by their content
 * @param enableChunkedPrefill whether a prompt may be spread over steps
 * @param longPrefillTokenThreshold most tokens of one sequence; 0: no such limit
 * @param speculation how sequences speculate
 */
public record SchedulerLimits(
        int maxNumBatchedTokens,
        int maxNumSeqs,
        boolean enablePrefixCaching,
        boolean enableChunkedPrefill,
        int longPrefillTokenThreshold,
        Speculation speculation) {}

package dev.millrace.operators.engine;

import dev.millrace.operators.scheduler.SchedulerLimits;
import dev.millrace.operators.scheduler.Speculation;
import dev.millrace.operators.sequence.Sequence;
import java.io.Serializable;
import java.util.Comparator;

/**
 * The engine's limits. Names are vLLM's.
 *
 * @param maxNumBatchedTokens token budget of a step
 * @param maxNumSeqs sequences that run at a time
 * @param maxModelLen most tokens of a sequence, prompt and answer
 * @param enablePrefixCaching whether full blocks are found again by their content
 * @param enableChunkedPrefill whether a prompt may be spread over steps; if not, the budget must hold a whole sequence,
 *     since a preempted one is computed anew at once
 * @param longPrefillTokenThreshold most tokens of one prompt in one step; 0: no such limit
 * @param policy who goes first
 * @param stepsAhead steps that may be in flight at a time, and encodings of media, at least 1
 * @param speculation how sequences speculate
 */
public record EngineConfig(
        int maxNumBatchedTokens,
        int maxNumSeqs,
        int maxModelLen,
        boolean enablePrefixCaching,
        boolean enableChunkedPrefill,
        int longPrefillTokenThreshold,
        Policy policy,
        int stepsAhead,
        Speculation speculation)
        implements Serializable {

    /**
     * @throws IllegalArgumentException naming the limit, its value and what is allowed
     */
    public EngineConfig {
        atLeast("max-num-batched-tokens", maxNumBatchedTokens, 1);
        atLeast("max-num-seqs", maxNumSeqs, 1);
        atLeast("max-model-len", maxModelLen, 2);
        atLeast("long-prefill-token-threshold", longPrefillTokenThreshold, 0);
        atLeast("steps-ahead", stepsAhead, 1);
        if (!enableChunkedPrefill && maxNumBatchedTokens < maxModelLen) {
            throw new IllegalArgumentException("max-num-batched-tokens is " + maxNumBatchedTokens
                    + ", but while chunked prefill is off it must be at least max-model-len, " + maxModelLen);
        }
    }

    /** Without speculation. */
    public EngineConfig(
            int maxNumBatchedTokens,
            int maxNumSeqs,
            int maxModelLen,
            boolean enablePrefixCaching,
            boolean enableChunkedPrefill,
            int longPrefillTokenThreshold,
            Policy policy,
            int stepsAhead) {
        this(
                maxNumBatchedTokens,
                maxNumSeqs,
                maxModelLen,
                enablePrefixCaching,
                enableChunkedPrefill,
                longPrefillTokenThreshold,
                policy,
                stepsAhead,
                Speculation.NONE);
    }

    /** The same with other speculation. */
    public EngineConfig withSpeculation(Speculation other) {
        return new EngineConfig(
                maxNumBatchedTokens,
                maxNumSeqs,
                maxModelLen,
                enablePrefixCaching,
                enableChunkedPrefill,
                longPrefillTokenThreshold,
                policy,
                stepsAhead,
                other);
    }

    SchedulerLimits schedulerLimits() {
        return new SchedulerLimits(
                maxNumBatchedTokens,
                maxNumSeqs,
                enablePrefixCaching,
                enableChunkedPrefill,
                longPrefillTokenThreshold,
                speculation);
    }

    private static void atLeast(String name, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " is " + value + ", but must be at least " + least);
        }
    }

    /** Who goes first. */
    public enum Policy {
        /** In order of arrival. */
        FCFS(arrivalOrder()),
        /** Lower priority number first, then in order of arrival. */
        PRIORITY(Comparator.comparingInt(Sequence::priority).thenComparing(arrivalOrder()));

        private final Comparator<Sequence> order;

        Policy(Comparator<Sequence> order) {
            this.order = order;
        }

        /** The most important sequence first; a total order. */
        Comparator<Sequence> order() {
            return order;
        }

        private static Comparator<Sequence> arrivalOrder() {
            return Comparator.comparingLong(Sequence::arrival)
                    .thenComparing(Sequence::requestId)
                    .thenComparingInt(Sequence::choice);
        }
    }
}

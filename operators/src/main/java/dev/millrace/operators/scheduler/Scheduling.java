package dev.millrace.operators.scheduler;

import dev.millrace.operators.sequence.Sequence;
import java.io.Serializable;
import java.util.Comparator;

/**
 * How steps are filled. Names and defaults are vLLM's.
 *
 * @param enablePrefixCaching whether full blocks are found again by their content
 * @param enableChunkedPrefill whether a prompt may be spread over steps; if not, the budget must hold a whole sequence,
 *     since a preempted one is computed anew at once
 * @param longPrefillTokenThreshold most tokens of one prompt in one step; 0: no such limit
 * @param policy who goes first
 * @param stepsAhead steps that may be in flight at a time, and encodings of media
 * @param speculation how sequences speculate
 */
public record Scheduling(
        boolean enablePrefixCaching,
        boolean enableChunkedPrefill,
        int longPrefillTokenThreshold,
        Policy policy,
        int stepsAhead,
        Speculation speculation)
        implements Serializable {

    public static final Scheduling DEFAULT = new Scheduling(true, true, 0, Policy.FCFS, 2, Speculation.NONE);

    /**
     * @throws IllegalArgumentException naming the limit, its value and what is allowed
     */
    public Scheduling {
        atLeast("long-prefill-token-threshold", longPrefillTokenThreshold, 0);
        atLeast("steps-ahead", stepsAhead, 1);
    }

    /** The same, with full blocks found again or not. */
    public Scheduling withPrefixCaching(boolean enabled) {
        return new Scheduling(
                enabled, enableChunkedPrefill, longPrefillTokenThreshold, policy, stepsAhead, speculation);
    }

    /** The same, with prompts spread over steps or not. */
    public Scheduling withChunkedPrefill(boolean enabled) {
        return new Scheduling(enablePrefixCaching, enabled, longPrefillTokenThreshold, policy, stepsAhead, speculation);
    }

    /** The same with so many tokens of one prompt in one step at most. */
    public Scheduling withLongPrefillTokenThreshold(int tokens) {
        return new Scheduling(enablePrefixCaching, enableChunkedPrefill, tokens, policy, stepsAhead, speculation);
    }

    /** The same with others first. */
    public Scheduling withPolicy(Policy other) {
        return new Scheduling(
                enablePrefixCaching, enableChunkedPrefill, longPrefillTokenThreshold, other, stepsAhead, speculation);
    }

    /** The same with so many steps in flight. */
    public Scheduling withStepsAhead(int steps) {
        return new Scheduling(
                enablePrefixCaching, enableChunkedPrefill, longPrefillTokenThreshold, policy, steps, speculation);
    }

    /** The same with other speculation. */
    public Scheduling withSpeculation(Speculation other) {
        return new Scheduling(
                enablePrefixCaching, enableChunkedPrefill, longPrefillTokenThreshold, policy, stepsAhead, other);
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

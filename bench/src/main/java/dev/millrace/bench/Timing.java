package dev.millrace.bench;

import java.util.Arrays;
import java.util.List;

/** When one sequence's tokens came, in nanoseconds of {@link System#nanoTime()}. */
final class Timing {

    private static final int EXPECTED_TOKENS = 128;

    private final long start = System.nanoTime();
    private long[] times = new long[EXPECTED_TOKENS];
    private int numTokens;

    /** Some more tokens came now. */
    void add(int tokens) {
        if (numTokens + tokens > times.length) {
            times = Arrays.copyOf(times, 2 * (numTokens + tokens));
        }
        Arrays.fill(times, numTokens, numTokens + tokens, System.nanoTime());
        numTokens += tokens;
    }

    long first() {
        return times[0];
    }

    long last() {
        return times[numTokens - 1];
    }

    int numTokens() {
        return numTokens;
    }

    /** Tokens that came after a time, up to another. */
    long tokensWithin(long after, long until) {
        return Arrays.stream(times, 0, numTokens)
                .filter(time -> time > after && time <= until)
                .count();
    }

    /** Seconds between each of those tokens and the one before it. */
    double[] gapsWithin(long after, long until) {
        double[] gaps = new double[numTokens];
        int count = 0;
        for (int i = 1; i < numTokens; i++) {
            if (times[i] > after && times[i] <= until) {
                gaps[count++] = seconds(times[i] - times[i - 1]);
            }
        }
        return Arrays.copyOf(gaps, count);
    }

    /** When the first sequence of a batch was handed over. */
    static long start(List<Timing> batch) {
        return batch.stream().mapToLong(timing -> timing.start).min().orElseThrow();
    }

    /** When all of a batch's sequences had their first token. */
    static long allBegun(List<Timing> batch) {
        return batch.stream().mapToLong(Timing::first).max().orElseThrow();
    }

    /** When the first of a batch's sequences had its last token. */
    static long anyEnded(List<Timing> batch) {
        return batch.stream().mapToLong(Timing::last).min().orElseThrow();
    }

    /** Seconds from the first sequence's start to the last one's end. */
    static double latency(List<Timing> batch) {
        return seconds(batch.stream().mapToLong(Timing::last).max().orElseThrow() - start(batch));
    }

    static double seconds(long nanos) {
        return nanos / 1e9;
    }
}

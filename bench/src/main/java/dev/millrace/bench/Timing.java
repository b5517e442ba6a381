package dev.millrace.bench;

import java.util.List;

/** When one sequence's tokens came, in nanoseconds of {@link System#nanoTime()}. */
final class Timing {

    private final long start = System.nanoTime();
    private long first;
    private long last;
    private int numTokens;

    /** Some more tokens came now. */
    void add(int tokens) {
        last = System.nanoTime();
        first = numTokens == 0 ? last : first;
        numTokens += tokens;
    }

    long first() {
        return first;
    }

    long last() {
        return last;
    }

    int numTokens() {
        return numTokens;
    }

    /** Seconds from the first sequence's start to the last one's end. */
    static double latency(List<Timing> batch) {
        long start = batch.stream().mapToLong(timing -> timing.start).min().orElseThrow();
        long end = batch.stream().mapToLong(Timing::last).max().orElseThrow();
        return seconds(end - start);
    }

    static double seconds(long nanos) {
        return nanos / 1e9;
    }
}

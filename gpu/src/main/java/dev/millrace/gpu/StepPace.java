package dev.millrace.gpu;

/** How long steps took lately, those of single tokens by themselves, for they are the short ones. On any thread. */
final class StepPace {

    private static final int WINDOW = 15;
    private static final double NANOS = 1e9;

    /** While there was no step. */
    private static final double UNKNOWN_SECONDS = 5e-3;

    private final RecentMedian decode = new RecentMedian(WINDOW);
    private final RecentMedian prefill = new RecentMedian(WINDOW);

    void add(boolean isDecode, long nanos) {
        (isDecode ? decode : prefill).add(nanos / NANOS);
    }

    /** How long the next one of the kind will take. */
    double seconds(boolean isDecode) {
        return isDecode ? decode.orElse(UNKNOWN_SECONDS) : prefill.orElse(UNKNOWN_SECONDS);
    }
}

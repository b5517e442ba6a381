package dev.millrace.bench.serve;

import java.util.function.LongSupplier;

/** Seconds since the run began. Safe for use by several threads. */
final class Stopwatch {

    private static final double NANOS = 1e9;

    private final LongSupplier nanos;
    private final long began;

    Stopwatch(LongSupplier nanos) {
        this.nanos = nanos;
        this.began = nanos.getAsLong();
    }

    double seconds() {
        return (nanos.getAsLong() - began) / NANOS;
    }
}

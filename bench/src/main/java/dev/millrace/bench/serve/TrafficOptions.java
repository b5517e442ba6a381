package dev.millrace.bench.serve;

import dev.millrace.bench.figures.Count;
import picocli.CommandLine.Option;

/** When requests are sent. */
final class TrafficOptions {

    @Option(
            names = "--request-rate",
            paramLabel = "N",
            converter = PositiveNumber.class,
            description = "Requests a second; inf sends all at once (default: inf).")
    double requestRate = Double.POSITIVE_INFINITY;

    @Option(
            names = "--burstiness",
            paramLabel = "N",
            converter = PositiveNumber.class,
            description =
                    "Shape of the gamma distribution of the pauses between requests: 1 is a Poisson process, less comes in bursts, more is more even (default: ${DEFAULT-VALUE}).")
    double burstiness = 1;

    @Option(
            names = "--max-concurrency",
            paramLabel = "N",
            converter = Count.class,
            description = "Requests at a time at most; others wait here (default: no limit).")
    Integer maxConcurrency;

    @Option(
            names = "--num-warmups",
            paramLabel = "N",
            description = "Times that the first request is sent before the measurement (default: ${DEFAULT-VALUE}).")
    int numWarmups;

    @Option(
            names = "--ready-check-timeout-sec",
            paramLabel = "SECONDS",
            description =
                    "For how long the first request is tried until the server answers it; 0 does not try it (default: ${DEFAULT-VALUE}).")
    int readyCheckSeconds;

    @Option(names = "--disable-tqdm", description = "Shows no progress bar.")
    boolean disableProgress;

    Arrivals arrivals() {
        return new Arrivals(requestRate, burstiness);
    }

    int concurrency() {
        return maxConcurrency == null ? Integer.MAX_VALUE : maxConcurrency;
    }
}

package dev.millrace.operators.metrics;

import dev.millrace.operators.engine.EngineStats;
import java.util.Locale;
import java.util.Optional;

/** The line that vLLM logs every ten seconds ({@code vllm/v1/metrics/loggers.py}); none while nothing happens. */
public final class StatsLine {

    private final int engine;
    private EngineStats before;

    /**
     * @param engine number of the engine: the subtask's
     * @param start the engine's counters before its first step
     */
    public StatsLine(int engine, EngineStats start) {
        this.engine = engine;
        this.before = start;
    }

    /** What happened in the seconds since the last call. */
    public Optional<String> next(EngineStats now, double seconds) {
        EngineStats last = before;
        before = now;
        if (now.steps() == last.steps() && now.numRequestsRunning() + now.numRequestsWaiting() == 0) {
            return Optional.empty();
        }
        String line = String.format(
                Locale.ROOT,
                "Engine %03d: Avg prompt throughput: %.1f tokens/s, Avg generation throughput: %.1f tokens/s,"
                        + " Running: %d reqs, Waiting: %d reqs, KV cache usage: %.1f%%, Prefix cache hit rate: %.1f%%",
                engine,
                (now.promptTokens() - last.promptTokens()) / seconds,
                (now.generationTokens() - last.generationTokens()) / seconds,
                now.numRequestsRunning(),
                now.numRequestsWaiting(),
                100 * now.kvCacheUsage(),
                percent(now.prefixCacheHits(), now.prefixCacheQueries()));
        return Optional.of(
                now.mmCacheQueries() == 0
                        ? line
                        : line
                                + String.format(
                                        Locale.ROOT,
                                        ", MM cache hit rate: %.1f%%",
                                        percent(now.mmCacheHits(), now.mmCacheQueries())));
    }

    private static double percent(long part, long whole) {
        return whole == 0 ? 0 : 100.0 * part / whole;
    }
}

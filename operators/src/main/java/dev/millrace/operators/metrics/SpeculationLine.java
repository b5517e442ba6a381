package dev.millrace.operators.metrics;

import dev.millrace.operators.engine.SpeculationStats;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The line that vLLM logs of speculative decoding ({@code vllm/v1/spec_decode/metrics.py}); none while nothing is drafted. */
public final class SpeculationLine {

    private SpeculationStats before;

    /** @param start the counters before the first step */
    public SpeculationLine(SpeculationStats start) {
        this.before = start;
    }

    /** What came of drafts in the seconds since the last call. */
    public Optional<String> next(SpeculationStats now, double seconds) {
        SpeculationStats last = before;
        before = now;
        long drafts = now.numDrafts() - last.numDrafts();
        if (drafts == 0) {
            return Optional.empty();
        }
        long accepted = now.numAcceptedTokens() - last.numAcceptedTokens();
        long drafted = now.numDraftTokens() - last.numDraftTokens();
        return Optional.of(String.format(
                Locale.ROOT,
                "SpecDecoding metrics: Mean acceptance length: %.2f, Accepted throughput: %.2f tokens/s,"
                        + " Drafted throughput: %.2f tokens/s, Accepted: %d tokens, Drafted: %d tokens,"
                        + " Per-position acceptance rate: %s, Avg Draft acceptance rate: %.1f%%",
                1 + (double) accepted / drafts,
                accepted / seconds,
                drafted / seconds,
                accepted,
                drafted,
                rates(now.numAcceptedTokensPerPos(), last.numAcceptedTokensPerPos(), drafts),
                100.0 * accepted / drafted));
    }

    private static String rates(long[] now, long[] last, long drafts) {
        return IntStream.range(0, now.length)
                .mapToObj(i -> String.format(Locale.ROOT, "%.3f", (double) (now[i] - last[i]) / drafts))
                .collect(Collectors.joining(", "));
    }
}

package dev.millrace.bench;

import dev.millrace.bench.figures.Figures;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * How fast tokens came after the first ones, over all measured batches: batch × (out − 1) / (last − first token), and what
 * that is in operations and as a share of {@link Ceiling}.
 */
record DecodeRate(double tokensPerSecond, double gflops, double ceiling, String ceilingName) {

    /**
     * @param flopsPerToken operations of one decoded token at the middle of the answer
     */
    static DecodeRate of(List<List<Timing>> batches, double flopsPerToken, int threads) throws InterruptedException {
        long tokens = 0;
        double seconds = 0;
        for (List<Timing> batch : batches) {
            long first = batch.stream().mapToLong(Timing::first).min().orElseThrow();
            long last = batch.stream().mapToLong(Timing::last).max().orElseThrow();
            tokens += batch.stream().mapToInt(timing -> timing.numTokens() - 1).sum();
            seconds += Timing.seconds(last - first);
        }
        double rate = tokens / seconds;
        boolean single = batches.get(0).size() == 1;
        int used = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
        return new DecodeRate(
                rate,
                rate * flopsPerToken / 1e9,
                single ? Ceiling.matrixVector(used) : Ceiling.sixteenColumns(used),
                (single ? "bf16 matrix x 1 column, " : "fp32 matrix x 16 columns, ") + used + " threads");
    }

    void print(PrintWriter out) {
        out.printf(
                Locale.ROOT,
                "Decode: %.1f tokens/s (batch x (out - 1) / (last - first token)), %.1f GFLOP/s%n",
                tokensPerSecond,
                gflops);
        out.printf(
                Locale.ROOT,
                "Ceiling: %.1f GFLOP/s, a plain Vector API FMA loop measured just now (%s); decode reached %.0f%% of it%n",
                ceiling,
                ceilingName,
                100 * gflops / ceiling);
    }

    void addTo(Figures figures) {
        figures.put("decode_tokens_per_second", tokensPerSecond)
                .put("decode_gflops", gflops)
                .put("ceiling_gflops", ceiling)
                .put("ceiling", ceilingName)
                .put("share_of_ceiling", gflops / ceiling);
    }
}

package dev.millrace.bench.recovery;

import dev.millrace.bench.figures.Figures;
import dev.millrace.bench.figures.Percentile;
import dev.millrace.bench.recovery.ClientStream.Heard;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What is told of a job that was killed.
 *
 * @param outputLen tokens of each answer
 * @param undisturbed what clients heard of the answers before
 * @param disturbed what they heard of the same answers, in the same order, while the job was killed
 * @param kills when, by {@link System#nanoTime}
 */
record Report(int outputLen, List<Heard> undisturbed, List<Heard> disturbed, List<Long> kills, Verdict verdict) {

    private static final double NANOS = 1e9;

    boolean holds() {
        return verdict.holds();
    }

    void print(PrintWriter out) {
        out.printf(
                Locale.ROOT,
                "Streams: %d of %d tokens each; the job was killed %d times, which cut %d of them%n"
                        + "Lost: %d tokens, repeated: %d; streams that failed: %d; committed events out of place: %d%n"
                        + "Streams that told of another way after a restart: %d; differences not told of: %d%n"
                        + "Streams as in an undisturbed run: %d of %d%n",
                disturbed.size(),
                outputLen,
                kills.size(),
                verdict.cut(),
                verdict.missing(),
                verdict.repeated(),
                verdict.failed(),
                verdict.misplaced(),
                verdict.diverged(),
                verdict.unreported(),
                same(),
                disturbed.size());
        double[] pauses = pauses();
        if (pauses.length > 0) {
            out.printf(
                    Locale.ROOT,
                    "Pause of a stream at a kill: %.2f s (median), %.2f s (longest)%n",
                    Percentile.of(pauses, 50),
                    Percentile.of(pauses, 100));
        }
        disturbed.stream()
                .filter(heard -> heard.error() != null)
                .forEach(heard -> out.println("Failed: " + heard.error()));
        out.flush();
    }

    Figures figures() {
        return new Figures()
                .put("num_streams", disturbed.size())
                .put("output_len", outputLen)
                .put("kills", kills.size())
                .put("cut", verdict.cut())
                .put("missing_tokens", verdict.missing())
                .put("repeated_tokens", verdict.repeated())
                .put("failed", verdict.failed())
                .put("misplaced_events", verdict.misplaced())
                .put("diverged", verdict.diverged())
                .put("unreported_differences", verdict.unreported())
                .put("same_as_undisturbed", same())
                .put("pauses", pauses());
    }

    private long same() {
        return IntStream.range(0, disturbed.size())
                .filter(i -> disturbed.get(i).tokens().equals(undisturbed.get(i).tokens())
                        && disturbed.get(i).text().equals(undisturbed.get(i).text()))
                .count();
    }

    /** Of each stream at each kill, in seconds. */
    private double[] pauses() {
        return IntStream.range(0, kills.size())
                .boxed()
                .flatMapToDouble(i -> {
                    long next = i + 1 < kills.size() ? kills.get(i + 1) : System.nanoTime();
                    return disturbed.stream().mapToDouble(heard -> heard.longestPause(kills.get(i), next) / NANOS);
                })
                .filter(pause -> pause > 0)
                .toArray();
    }
}

package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import dev.millrace.bench.figures.Percentile;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures how long running sequences wait for their next token while a prompt with pictures comes. */
@Command(
        name = "interference",
        description = "How long the tokens of running sequences take while one prompt with pictures is encoded.")
final class InterferenceCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            converter = Count.class,
            description = "Sequences that run; their prompts have no pictures (default: ${DEFAULT-VALUE}).")
    private int batchSize = 64;

    @Option(
            names = "--num-iters",
            paramLabel = "N",
            converter = Count.class,
            description = "Measurements, after one that does not count (default: ${DEFAULT-VALUE}).")
    private int iterations = 3;

    @Override
    public Integer call() throws Exception {
        if (options.images.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--images is missing, such as --images 2912x4368");
        }
        PrintWriter out = spec.commandLine().getOut();
        try (var model = new LoadedModel(options, options.withinBudget("--batch-size", batchSize + 1))) {
            model.interfere(batchSize);
            for (int i = 0; i < iterations; i++) {
                report(out, model.interfere(batchSize));
            }
        }
        return 0;
    }

    private void report(PrintWriter out, LoadedModel.Interference run) throws Exception {
        double median = Percentile.of(gaps(run.running(), 0, run.arrival()), 50);
        double[] encoding = gaps(run.running(), run.arrival(), run.encoded());
        double[] prompt = gaps(run.running(), run.encoded(), run.picture().first());
        out.printf(
                Locale.ROOT,
                "Inter-token: median %.2f ms before; while the pictures are encoded (%.3f s) worst %.2f ms, %.2f x;"
                        + " while their prompt is computed (%.3f s) worst %.2f ms, %.2f x%n",
                1e3 * median,
                Timing.seconds(run.encoded() - run.arrival()),
                1e3 * worst(encoding),
                worst(encoding) / median,
                Timing.seconds(run.picture().first() - run.encoded()),
                1e3 * worst(prompt),
                worst(prompt) / median);
        out.flush();
        new Figures()
                .put("median_inter_token", median)
                .put("worst_inter_token_encoding", worst(encoding))
                .put("worst_inter_token_prompt", worst(prompt))
                .write(options.json);
    }

    private static double[] gaps(List<Timing> running, long after, long until) {
        return running.stream()
                .flatMapToDouble(timing -> Arrays.stream(timing.gapsWithin(after, until)))
                .toArray();
    }

    /** NaN where no token came. */
    private static double worst(double[] gaps) {
        return Arrays.stream(gaps).max().orElse(Double.NaN);
    }
}

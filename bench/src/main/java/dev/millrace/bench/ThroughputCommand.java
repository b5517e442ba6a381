package dev.millrace.bench;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how much the engine does when all prompts are there at once, as {@code vllm bench throughput} does. */
@Command(name = "throughput", description = "How much the engine does when all prompts are there at once.")
final class ThroughputCommand implements Callable<Integer> {

    private static final int DEFAULT_SEQUENCES = 256;

    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--num-prompts",
            paramLabel = "N",
            converter = Count.class,
            description = "Prompts (default: ${DEFAULT-VALUE}).")
    private int numPrompts = 1000;

    @Option(
            names = "--num-warmups",
            paramLabel = "N",
            converter = Count.class,
            description = "Prompts before the measurement (default: ${DEFAULT-VALUE}).")
    private int warmups = 32;

    @Option(
            names = "--max-num-seqs",
            paramLabel = "N",
            converter = Count.class,
            description = "Sequences that run at a time (default: 256, or the token budget if that is less).")
    private Integer maxNumSeqs;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        int sequences = maxNumSeqs == null
                ? Math.min(DEFAULT_SEQUENCES, options.maxNumBatchedTokens)
                : options.withinBudget("--max-num-seqs", maxNumSeqs);
        try (var model = new LoadedModel(options, Math.min(sequences, Math.max(numPrompts, warmups)))) {
            model.generate(warmups);
            List<Timing> timings = model.generate(numPrompts);
            report(out, model, timings, Timing.latency(timings));
        }
        return 0;
    }

    private void report(PrintWriter out, LoadedModel model, List<Timing> timings, double elapsed) throws Exception {
        long prompt = (long) numPrompts * model.prompts().promptLength();
        long output = timings.stream().mapToLong(Timing::numTokens).sum();
        double gflops = numPrompts * model.flopsPerPrompt() / elapsed / 1e9;
        out.printf(
                Locale.ROOT,
                "Throughput: %.2f requests/s, %.2f total tokens/s, %.2f output tokens/s%n",
                numPrompts / elapsed,
                (prompt + output) / elapsed,
                output / elapsed);
        out.printf("Total num prompt tokens:  %d%n", prompt);
        out.printf("Total num output tokens:  %d%n", output);
        out.printf(Locale.ROOT, "Compute: %.1f GFLOP/s%n", gflops);
        var figures = new Figures();
        if (model.floor() != null) {
            double floor = floor(model, output);
            out.printf(
                    Locale.ROOT,
                    "Floor: %.3f s of %.3f s, %.1f%% of it%nCeilings: %s%n",
                    floor,
                    elapsed,
                    100 * floor / elapsed,
                    model.floor().ceiling());
            figures.put("floor_time", floor).put("share_of_floor", floor / elapsed);
        }
        out.flush();
        figures.put("elapsed_time", elapsed)
                .put("num_requests", numPrompts)
                .put("total_num_tokens", prompt + output)
                .put("requests_per_second", numPrompts / elapsed)
                .put("tokens_per_second", (prompt + output) / elapsed)
                .put("output_tokens_per_second", output / elapsed)
                .put("gflops", gflops)
                .write(options.json);
    }

    /** Seconds of all prompts and of decode steps with as many sequences as run at a time. */
    private double floor(LoadedModel model, long outputTokens) {
        int running = Math.min(numPrompts, maxNumSeqs == null ? DEFAULT_SEQUENCES : maxNumSeqs);
        int length = model.prompts().promptLength();
        double steps = (double) (outputTokens - numPrompts) / running;
        return model.floor().encode(numPrompts * model.prompts().mediaFlops())
                + model.floor().prefill(numPrompts, length, options.maxNumBatchedTokens)
                + steps * model.floor().decodeStep(running, length + options.outputLen / 2.0);
    }
}

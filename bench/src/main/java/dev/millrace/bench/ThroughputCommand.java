package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import dev.millrace.job.demo.TemporaryFolder;
import dev.millrace.model.executor.ModelExecutorFactory;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
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

    @Option(
            names = "--backend",
            paramLabel = "BACKEND",
            description =
                    "What answers: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}). job measures the engine, then,"
                            + " with the same prompts, the whole job around it: embedded Kafka, Flink, Kafka, as 'run' starts it.")
    private Backend backend = Backend.engine;

    @Option(
            names = "--step-millis",
            paramLabel = "N",
            converter = Count.class,
            description = "Computes nothing: each step takes so long, whatever is in it. Shows what is done around the"
                    + " device, and whether it keeps up (default: steps are computed).")
    private Integer stepMillis;

    /** What answers prompts. */
    enum Backend {
        engine,
        job
    }

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        int sequences = maxNumSeqs == null
                ? Math.min(DEFAULT_SEQUENCES, options.maxNumBatchedTokens)
                : options.withinBudget("--max-num-seqs", maxNumSeqs);
        int running = Math.min(sequences, Math.max(numPrompts, warmups));
        ModelExecutorFactory executors = stepMillis == null
                ? options.device.executors()
                : new PacedExecutorFactory(TimeUnit.MILLISECONDS.toNanos(stepMillis));
        JobThroughput job = backend == Backend.job ? new JobThroughput(options, running) : null;
        var figures = new Figures();
        double rate = measureEngine(out, executors, running, figures);
        if (job != null) {
            measureJob(out, executors, job, rate, figures);
        }
        figures.write(options.json);
        return 0;
    }

    /** Output tokens a second of the engine alone; its model is closed when this returns. */
    private double measureEngine(PrintWriter out, ModelExecutorFactory executors, int running, Figures figures)
            throws IOException, InterruptedException {
        try (var model = new LoadedModel(options, executors, running)) {
            model.generate(warmups);
            long computed = model.computeNanos();
            List<Timing> timings = model.generate(numPrompts);
            double elapsed = Timing.latency(timings);
            report(out, model, timings, elapsed, figures);
            reportBusy(out, Timing.seconds(model.computeNanos() - computed) / elapsed);
            return timings.stream().mapToLong(Timing::numTokens).sum() / elapsed;
        }
    }

    private void measureJob(
            PrintWriter out, ModelExecutorFactory executors, JobThroughput job, double engineRate, Figures figures)
            throws IOException {
        try (var folder = TemporaryFolder.create("millrace-bench")) {
            JobThroughput.Result result = job.measure(folder.path(), executors, warmups, numPrompts);
            double rate = result.tokens() / result.seconds();
            out.printf(
                    Locale.ROOT,
                    "Whole job: %.2f requests/s, %.2f output tokens/s%n"
                            + "  (%d answers of %d tokens each in %.2f s, from the first prompt's submission to Kafka until a"
                            + " reader of uncommitted events has all; checkpoints every second)%n",
                    numPrompts / result.seconds(),
                    rate,
                    numPrompts,
                    options.outputLen,
                    result.seconds());
            reportBusy(out, result.busy());
            out.printf(Locale.ROOT, "Whole job / engine: %.1f%% of the output tokens/s%n", 100 * rate / engineRate);
            out.flush();
            figures.put("job_elapsed_time", result.seconds())
                    .put("job_output_tokens_per_second", rate)
                    .put("job_device_busy", result.busy())
                    .put("job_share_of_engine", rate / engineRate);
        }
    }

    private static void reportBusy(PrintWriter out, double share) {
        out.printf(Locale.ROOT, "Device busy: %.1f%% of the run%n", 100 * share);
        out.flush();
    }

    private void report(PrintWriter out, LoadedModel model, List<Timing> timings, double elapsed, Figures figures) {
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
        figures.put("elapsed_time", elapsed)
                .put("num_requests", numPrompts)
                .put("total_num_tokens", prompt + output)
                .put("requests_per_second", numPrompts / elapsed)
                .put("tokens_per_second", (prompt + output) / elapsed)
                .put("output_tokens_per_second", output / elapsed);
        if (stepMillis != null) {
            return; // nothing was computed
        }
        out.printf(Locale.ROOT, "Compute: %.1f GFLOP/s%n", gflops);
        figures.put("gflops", gflops);
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

package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how long it takes until a model can answer; the log tells loading and capturing apart. */
@Command(name = "startup", description = "How long it takes until the engine can answer, and has answered.")
final class StartUpCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--max-num-seqs",
            paramLabel = "N",
            converter = Count.class,
            description = "Sequences that may run at a time (default: ${DEFAULT-VALUE}).")
    private int maxNumSeqs = 256;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        options.gpuCeilings = new double[] {1, 1}; // nothing is compared with them, so none are measured
        long start = System.nanoTime();
        try (var model = new LoadedModel(options, options.withinBudget("--max-num-seqs", maxNumSeqs))) {
            double ready = Timing.seconds(System.nanoTime() - start);
            double answered = Timing.latency(model.generate(1));
            out.printf(
                    Locale.ROOT,
                    "Start-up: %.2f s until ready, %.2f s for the first answer of %d tokens%n",
                    ready,
                    answered,
                    options.outputLen);
            out.flush();
            new Figures()
                    .put("startup_time", ready)
                    .put("first_answer_time", answered)
                    .write(options.json);
        }
        return 0;
    }
}

package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import dev.millrace.bench.figures.Percentile;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how long one batch of prompts takes from start to end, as {@code vllm bench latency} does. */
@Command(name = "latency", description = "How long one batch of prompts takes from start to end.")
final class LatencyCommand implements Callable<Integer> {

    private static final int[] PERCENTAGES = {10, 25, 50, 75, 90, 99};

    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            converter = Count.class,
            description = "Prompts of a batch (default: ${DEFAULT-VALUE}).")
    private int batchSize = 8;

    @Option(
            names = "--num-iters-warmup",
            paramLabel = "N",
            converter = Count.class,
            description = "Batches before the measurement (default: ${DEFAULT-VALUE}).")
    private int warmups = 10;

    @Option(
            names = "--num-iters",
            paramLabel = "N",
            converter = Count.class,
            description = "Batches that are measured (default: ${DEFAULT-VALUE}).")
    private int iterations = 30;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        try (var model = new LoadedModel(options, options.withinBudget("--batch-size", batchSize))) {
            out.println("Warming up...");
            out.flush();
            for (int i = 0; i < warmups; i++) {
                model.generate(batchSize);
            }
            long computed = model.computeNanos();
            List<List<Timing>> batches = new ArrayList<>();
            for (int i = 0; i < iterations; i++) {
                batches.add(model.generate(batchSize));
            }
            var figures = new Figures();
            report(out, batches, figures);
            if (model.floor() == null) {
                DecodeRate decode = DecodeRate.of(batches, model.flopsPerDecodedToken(), options.threads);
                decode.print(out);
                decode.addTo(figures);
            } else {
                GpuRates rates = model.gpuRates(batches, model.computeNanos() - computed);
                rates.print(out);
                rates.addTo(figures);
            }
            out.flush();
            figures.write(options.json);
        }
        return 0;
    }

    private void report(PrintWriter out, List<List<Timing>> batches, Figures figures) {
        double[] latencies = batches.stream().mapToDouble(Timing::latency).toArray();
        double average = Arrays.stream(latencies).average().orElseThrow();
        out.printf(Locale.ROOT, "Avg latency: %s seconds%n", average);
        Map<String, Double> percentiles = new LinkedHashMap<>();
        for (int percentage : PERCENTAGES) {
            double value = Percentile.of(latencies, percentage);
            percentiles.put(Integer.toString(percentage), value);
            out.printf(Locale.ROOT, "%d%% percentile latency: %s seconds%n", percentage, value);
        }
        figures.put("avg_latency", average).put("latencies", latencies).put("percentiles", percentiles);
    }
}

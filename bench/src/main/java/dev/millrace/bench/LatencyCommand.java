package dev.millrace.bench;

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
            List<List<Timing>> batches = new ArrayList<>();
            for (int i = 0; i < iterations; i++) {
                batches.add(model.generate(batchSize));
            }
            report(out, batches, DecodeRate.of(batches, model.flopsPerDecodedToken(), options.threads));
        }
        return 0;
    }

    private void report(PrintWriter out, List<List<Timing>> batches, DecodeRate decode) throws Exception {
        double[] latencies = batches.stream().mapToDouble(Timing::latency).toArray();
        double average = Arrays.stream(latencies).average().orElseThrow();
        out.printf(Locale.ROOT, "Avg latency: %s seconds%n", average);
        Map<String, Double> percentiles = new LinkedHashMap<>();
        for (int percentage : PERCENTAGES) {
            double value = Percentile.of(latencies, percentage);
            percentiles.put(Integer.toString(percentage), value);
            out.printf(Locale.ROOT, "%d%% percentile latency: %s seconds%n", percentage, value);
        }
        decode.print(out);
        out.flush();
        var figures = new Figures()
                .put("avg_latency", average)
                .put("latencies", latencies)
                .put("percentiles", percentiles);
        decode.addTo(figures);
        figures.write(options.json);
    }
}

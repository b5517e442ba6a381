package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import dev.millrace.bench.figures.Percentile;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures the vision tower by itself. */
@Command(name = "vision", description = "How many prompts' pictures the vision tower encodes, without the decoder.")
final class VisionCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            converter = Count.class,
            description = "Prompts whose pictures are encoded together (default: ${DEFAULT-VALUE}).")
    private int batchSize = 8;

    @Option(
            names = "--num-iters-warmup",
            paramLabel = "N",
            converter = Count.class,
            description = "Batches before the measurement (default: ${DEFAULT-VALUE}).")
    private int warmups = 3;

    @Option(
            names = "--num-iters",
            paramLabel = "N",
            converter = Count.class,
            description = "Batches that are measured (default: ${DEFAULT-VALUE}).")
    private int iterations = 10;

    @Override
    public Integer call() throws Exception {
        if (options.images.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--images is missing, such as --images 448x448");
        }
        PrintWriter out = spec.commandLine().getOut();
        try (var tower = new LoadedTower(options, batchSize)) {
            for (int i = 0; i < warmups; i++) {
                tower.encode();
            }
            double[] seconds = new double[iterations];
            for (int i = 0; i < iterations; i++) {
                seconds[i] = tower.encode();
            }
            report(
                    out,
                    tower,
                    Percentile.of(seconds, 50),
                    Arrays.stream(seconds).max().orElseThrow());
        }
        return 0;
    }

    private void report(PrintWriter out, LoadedTower tower, double median, double worst) throws Exception {
        int pictures = batchSize * options.images.size();
        var figures = new Figures()
                .put("median_latency", median)
                .put("max_latency", worst)
                .put("images_per_second", pictures / median);
        out.printf(
                Locale.ROOT,
                "Vision: %.1f images/s, %d of %s in %.4f s (median of %d, worst %.4f s)%n",
                pictures / median,
                pictures,
                options.images,
                median,
                iterations,
                worst);
        if (tower.floor() != null) {
            double floor = tower.floor().encode(tower.flops());
            out.printf(
                    Locale.ROOT,
                    "Floor: %.1f images/s, %.4f s, %.1f%% of it%nCeilings: %s%n",
                    pictures / floor,
                    floor,
                    100 * floor / median,
                    tower.floor().ceilings());
            figures.put("floor_time", floor).put("share_of_floor", floor / median);
        }
        out.flush();
        figures.write(options.json);
    }
}

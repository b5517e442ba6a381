package dev.millrace.bench.serve;

import dev.millrace.model.InvalidInputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.DoubleStream;
import picocli.CommandLine.Option;

/** What is told of the run, and where. */
final class ReportOptions {

    @Option(
            names = "--percentile-metrics",
            paramLabel = "NAMES",
            split = ",",
            converter = LatencyMetric.Converter.class,
            description =
                    "Latencies to report: ttft, tpot, itl, e2el, client_queue_time, e2el_including_client_queue (default: ttft,tpot,itl).")
    private List<LatencyMetric> metrics = List.of(LatencyMetric.TTFT, LatencyMetric.TPOT, LatencyMetric.ITL);

    @Option(
            names = "--metric-percentiles",
            paramLabel = "N",
            split = ",",
            description = "Percentiles to report of each (default: 99).")
    private double[] percentiles = {99};

    @Option(
            names = "--goodput",
            paramLabel = "KEY:VALUE",
            arity = "1..*",
            description =
                    "Counts answers within limits of ttft, tpot and e2el, in milliseconds, such as ttft:200 tpot:20.")
    private List<String> goodput;

    @Option(names = "--save-result", description = "Writes the figures to a JSON file.")
    boolean saveResult;

    @Option(names = "--append-result", description = "Adds the figures to the file as a line.")
    boolean appendResult;

    @Option(names = "--save-detailed", description = "Writes each request's times, text and error there, too.")
    boolean saveDetailed;

    @Option(names = "--result-dir", paramLabel = "DIR", description = "Folder of the file (default: this one).")
    Path resultDir = Path.of("");

    @Option(
            names = "--result-filename",
            paramLabel = "FILE",
            description = "The file's name (default: made of label, rate, model and date).")
    String resultFilename;

    @Option(names = "--metadata", paramLabel = "KEY=VALUE", arity = "0..*", description = "Written to the file, too.")
    private List<String> metadata = new ArrayList<>();

    @Option(names = "--label", paramLabel = "TEXT", description = "Name of the run (default: the backend's).")
    String label;

    /** In the report's order. */
    Set<LatencyMetric> metrics() {
        return EnumSet.copyOf(metrics);
    }

    double[] percentiles() {
        if (!DoubleStream.of(percentiles).allMatch(each -> each >= 0 && each <= 100)) {
            throw new InvalidInputException(
                    "--metric-percentiles is %s; numbers from 0 to 100 are allowed, such as 50,99"
                            .formatted(DoubleStream.of(percentiles).boxed().toList()),
                    "--metric-percentiles");
        }
        return percentiles;
    }

    /** Null where there are no limits. */
    Goodput goodput() {
        return goodput == null ? null : Goodput.of(goodput);
    }

    Map<String, String> metadata() {
        return Pairs.parse("--metadata", metadata);
    }
}

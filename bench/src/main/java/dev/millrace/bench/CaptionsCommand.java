package dev.millrace.bench;

import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import dev.millrace.bench.pictures.ImageSize;
import dev.millrace.bench.pictures.ShapePictures;
import dev.millrace.job.cli.DeviceOptions;
import dev.millrace.job.demo.Demo;
import dev.millrace.job.demo.DemoConfig;
import dev.millrace.job.demo.TemporaryFolder;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures captions of small pictures through the whole job: Kafka, Flink, engine, Kafka. */
@Command(
        name = "captions",
        description =
                "How many captions of pictures of drawn shapes go through the whole job each second: from Kafka, through"
                        + " Flink and the engine, back to Kafka, checkpoints included.")
final class CaptionsCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model;

    @Option(
            names = "--num-prompts",
            paramLabel = "N",
            converter = Count.class,
            description = "Pictures (default: ${DEFAULT-VALUE}).")
    private int numPrompts = 400;

    @Option(
            names = "--num-warmups",
            paramLabel = "N",
            converter = Count.class,
            description = "Pictures before the measurement (default: ${DEFAULT-VALUE}).")
    private int warmups = 200;

    @Option(
            names = "--images",
            paramLabel = "WxH",
            converter = ImageSize.Converter.class,
            description = "Size of the pictures (default: 112x112).")
    private ImageSize size = new ImageSize(112, 112);

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the pictures (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Mixin
    private DeviceOptions device;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes the figures as JSON, too.")
    private Path json;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        var shapes = new ShapePictures(new Random(seed), size);
        try (var folder = TemporaryFolder.create("millrace-bench");
                Demo job = Demo.start(
                        folder.path(), DemoConfig.of(model, folder.path(), device.gpu()), device.executors(), out);
                var captions = new CaptionRun(job.bootstrapServers(), shapes)) {
            out.printf("Warming up with %d pictures...%n", warmups);
            out.flush();
            captions.run(warmups);
            var result = captions.run(numPrompts);
            out.printf(
                    Locale.ROOT,
                    "Captions: %.1f captions/s, %.1f output tokens/s (%d pictures of %dx%d, %d tokens, %.2f s)%n",
                    numPrompts / result.seconds(),
                    result.tokens() / result.seconds(),
                    numPrompts,
                    size.width(),
                    size.height(),
                    result.tokens(),
                    result.seconds());
            out.flush();
            new Figures()
                    .put("elapsed_time", result.seconds())
                    .put("num_requests", numPrompts)
                    .put("captions_per_second", numPrompts / result.seconds())
                    .put("output_tokens_per_second", result.tokens() / result.seconds())
                    .write(json);
        }
        return 0;
    }
}

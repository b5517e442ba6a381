package dev.millrace.job.cli;

import dev.millrace.job.demo.Demo;
import dev.millrace.job.demo.DemoConfig;
import dev.millrace.job.demo.SamplePrompt;
import dev.millrace.job.demo.TemporaryFolder;
import dev.millrace.operators.OperatorConfig;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows everything at work in one process. */
@Command(
        name = "demo",
        description = {
            "Starts a Kafka broker, a Flink cluster with its dashboard and the job with a small trained model, all in this"
                    + " process; asks the sample prompts through Kafka and prints the answers as their tokens arrive.",
            "Fails if an answer is not finished."
        })
final class DemoCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            converter = Folder.class,
            description = "Folder of the model (default: models/demo-vl of this distribution).")
    private Path model = home("models/demo-vl");

    @Option(
            names = "--samples",
            paramLabel = "DIR",
            converter = Folder.class,
            description = "Folder with prompts.jsonl, a chat-completions body a line; media URLs may be paths beside it"
                    + " (default: models/samples of this distribution).")
    private Path samples = home("models/samples");

    @Mixin
    private DeviceOptions device;

    @Option(
            names = "--speculative-config",
            paramLabel = "JSON",
            converter = SpeculativeConfig.Converter.class,
            description = SpeculativeConfig.DESCRIPTION)
    private SpeculativeConfig speculativeConfig = SpeculativeConfig.NONE;

    @Option(
            names = "--patience",
            paramLabel = "TIME",
            converter = Interval.class,
            description = "How long to wait for the answers (default: 2min).")
    private Duration patience = Duration.ofMinutes(2);

    @Option(names = "--stay", description = "Keeps everything up until it is stopped, for a look at the dashboard.")
    private boolean stay;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        List<SamplePrompt> prompts = SamplePrompt.read(samples.toAbsolutePath());
        out.println("Starting a Kafka broker, a Flink cluster and the job, all in this process");
        out.flush();
        try (var stop = new OrderlyStop();
                var folder = TemporaryFolder.create("millrace-demo");
                Demo demo = Demo.start(folder.path(), config(), device.executors(), out)) {
            stop.by(Thread.currentThread()::interrupt);
            boolean complete = demo.ask(prompts, patience);
            out.printf("%nDashboard: %s   Kafka: %s%n", demo.dashboard(), demo.bootstrapServers());
            out.println(complete ? "Every answer was finished." : "Not every answer was finished.");
            out.flush();
            if (stay) {
                stay(out);
            }
            return complete ? 0 : 1;
        }
    }

    private OperatorConfig config() {
        speculativeConfig.check(model);
        return DemoConfig.of(model, samples, device.gpu())
                .withSpeculation(speculativeConfig.engine(), speculativeConfig.executor());
    }

    private static void stay(PrintWriter out) throws InterruptedException {
        out.println("Staying up; Ctrl-C ends it.");
        out.flush();
        new CountDownLatch(1).await();
    }

    /** A folder of the distribution that the launcher belongs to. */
    private static Path home(String folder) {
        return Path.of(System.getProperty("millrace.home", ".")).resolve(folder);
    }
}

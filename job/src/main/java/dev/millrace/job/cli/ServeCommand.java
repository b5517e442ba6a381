package dev.millrace.job.cli;

import dev.millrace.gateway.http.GatewayConfig;
import dev.millrace.job.InferenceJob;
import dev.millrace.job.RemoteFlink;
import dev.millrace.job.RetainedCheckpoints;
import dev.millrace.job.embedded.EmbeddedFlink;
import dev.millrace.job.embedded.EmbeddedKafka;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.KafkaControl;
import dev.millrace.job.kafka.PromptSweeper;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.InferenceOperatorFactory;
import dev.millrace.operators.OperatorConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.flink.runtime.jobgraph.JobGraph;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves a model as {@code vllm serve} does: broker, cluster, job and HTTP server in one process. */
@Command(
        name = "serve",
        preprocessor = VllmFlags.class,
        description = {
            "Serves a model by the OpenAI API until it is stopped, with the flags of 'vllm serve'.",
            "Starts a Kafka broker, a Flink cluster with its dashboard, the job and the server, all in this process. What they"
                    + " keep is in one folder: a server that was killed goes on with what it was generating when it is"
                    + " started again."
        })
final class ServeCommand implements Callable<Integer> {

    private static final Duration CLOSING = Duration.ofSeconds(15);

    @Spec
    private CommandSpec spec;

    @ArgGroup(multiplicity = "1")
    private ModelArgument model;

    @Option(
            names = "--data-dir",
            paramLabel = "DIR",
            description =
                    "Folder for what is kept: the broker's data, checkpoints. One server at a time uses it (default:"
                            + " millrace/MODEL-HASH in $XDG_STATE_HOME, else in ~/.local/state).")
    private Path dataDir;

    @Option(
            names = "--bootstrap-servers",
            paramLabel = "HOST:PORT[,...]",
            description = "Kafka brokers to use (default: one in this process).")
    private String bootstrapServers;

    @ArgGroup(validate = false, heading = "%nServer:%n")
    private GatewayOptions server = new GatewayOptions();

    @Mixin
    private InferenceOptions options = new InferenceOptions();

    @Override
    public Integer call() throws Exception {
        OperatorConfig operator = operatorConfig();
        try (var stop = new OrderlyStop(server.shutdownTimeout().plus(CLOSING))) {
            stop.by(Thread.currentThread()::interrupt);
            return options.job.jobManager == null ? serveHere(operator, stop) : serveElsewhere(operator, stop);
        }
    }

    /** What the flags mean for the operator. */
    OperatorConfig operatorConfig() {
        return options.operatorConfig(model.given().folder(), model.given().text());
    }

    /** What the flags mean for the server. */
    GatewayConfig serverConfig(List<String> names) {
        return server.http(names);
    }

    @SuppressWarnings("try") // the sweeper works by itself
    private int serveHere(OperatorConfig operator, OrderlyStop stop) throws Exception {
        ModelExecutorFactory executors = options.device.executors();
        operator.check(executors);
        Path folder = dataDir == null ? DataFolder.usual(model.given().folder(), System.getenv()) : dataDir;
        try (var data = DataFolder.claim(folder, model.given().folder());
                EmbeddedKafka broker = bootstrapServers == null ? startBroker(data) : null) {
            say("Serving %s; what is kept is in %s", operator.servedModelNames().get(0), data.path());
            KafkaConfig kafka = kafka(broker == null ? bootstrapServers : broker.bootstrapServers());
            TopicLimits limits = options.topics.prepare(kafka);
            Path checkpoints = options.job.checkpointsHere(data.checkpoints(Origin.of(kafka)));
            RetainedCheckpoints.sweep(data.checkpoints(Origin.of(kafka)));
            try (PromptSweeper sweeper = broker == null ? null : PromptSweeper.start(kafka);
                    Gateway gateway = gateway(operator, kafka, limits);
                    EmbeddedFlink cluster =
                            EmbeddedFlink.start(data.flink(), options.job.parallelism, options.job.flinkSettings())) {
                SubmittedJob job = SubmittedJob.submit(
                        cluster,
                        checkpoints,
                        restored -> graph(
                                operator, kafka, limits, executors, RetainedCheckpoints.uri(checkpoints), restored));
                stop.by(() -> {
                    close(gateway);
                    job.cancel();
                });
                if (job.awaitThat(gateway::isReady)) {
                    sayReady(gateway, cluster.dashboard(), kafka);
                }
                return job.awaitEnd() ? 0 : 1;
            }
        }
    }

    /** The job stays when this ends, and is found again. */
    private int serveElsewhere(OperatorConfig operator, OrderlyStop stop) throws Exception {
        if (bootstrapServers == null || dataDir != null) {
            throw new InvalidInputException(
                    "--jobmanager: a job elsewhere needs brokers that it can reach, --bootstrap-servers, and keeps nothing"
                            + " in a --data-dir",
                    "--jobmanager");
        }
        options.job.flinkSettings();
        HostPort.Address jobManager = options.job.jobManager;
        KafkaConfig kafka = kafka(bootstrapServers);
        TopicLimits limits = options.topics.prepare(kafka);
        try (Gateway gateway = gateway(operator, kafka, limits);
                var cluster = RemoteFlink.connect(jobManager.host(), jobManager.port())) {
            ModelExecutorFactory executors = options.device.executorsElsewhere();
            String name = InferenceOptions.jobName(operator);
            SubmittedJob job = SubmittedJob.find(
                    cluster, name, () -> graph(operator, kafka, limits, executors, options.job.checkpointUri(), null));
            if (job.awaitThat(gateway::isReady)) {
                sayReady(gateway, cluster.getWebInterfaceURL(), kafka);
            }
            return job.awaitEnd() ? 0 : 1;
        }
    }

    private static EmbeddedKafka startBroker(DataFolder data) throws IOException {
        return EmbeddedKafka.start(data.kafka(), 0);
    }

    private KafkaConfig kafka(String servers) {
        return options.topics.kafkaConfig(servers, options.job.deliveryGuarantee);
    }

    private Gateway gateway(OperatorConfig operator, KafkaConfig kafka, TopicLimits limits) throws IOException {
        return server.open(
                kafka,
                limits,
                new ModelDirectory(model.given().folder()),
                operator.servedModelNames(),
                operator.chatTemplate());
    }

    private JobGraph graph(
            OperatorConfig operator,
            KafkaConfig kafka,
            TopicLimits limits,
            ModelExecutorFactory executors,
            String checkpoints,
            String restored) {
        return InferenceJob.build(
                options.jobConfig(operator, kafka, checkpoints, restored),
                limits,
                new InferenceOperatorFactory(
                        operator, executors, KafkaControl.factory(kafka, VersionProvider.version())));
    }

    private static void close(Gateway gateway) {
        try {
            gateway.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void sayReady(Gateway gateway, Object dashboard, KafkaConfig kafka) {
        say("Application startup complete.");
        say("  API        %s", gateway.url());
        say("  Dashboard  %s", dashboard);
        say("  Topics     %s, %s at %s", kafka.promptTopic(), kafka.tokenTopic(), kafka.bootstrapServers());
    }

    private void say(String line, Object... values) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(line.formatted(values));
        out.flush();
    }
}

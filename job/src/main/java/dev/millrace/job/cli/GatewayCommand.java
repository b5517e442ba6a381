package dev.millrace.job.cli;

import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.model.directory.ModelDirectory;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.apache.flink.connector.base.DeliveryGuarantee;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the HTTP server alone, in front of a job that runs elsewhere; any number of them may. */
@Command(
        name = "gateway",
        preprocessor = VllmFlags.class,
        description = {
            "Answers the OpenAI API out of the topics of a job that 'run' or 'serve' started, until it is stopped.",
            "Keeps nothing; any number of these may stand in front of the same topics. Of the model the tokenizer and the chat"
                    + " template are read."
        })
final class GatewayCommand implements Callable<Integer> {

    private static final Duration CLOSING = Duration.ofSeconds(10);

    @Spec
    private CommandSpec spec;

    @ArgGroup(multiplicity = "1")
    private ModelArgument model;

    @Option(
            names = "--bootstrap-servers",
            required = true,
            paramLabel = "HOST:PORT[,...]",
            description = "Kafka brokers to start from.")
    private String bootstrapServers;

    @Option(
            names = "--served-model-name",
            arity = "1..*",
            paramLabel = "NAME",
            description = "Names that requests may use for the model; answers give the first (default: the job's).")
    private List<String> servedModelNames = List.of();

    @Option(
            names = "--chat-template",
            paramLabel = "TEMPLATE",
            converter = ChatTemplateText.class,
            description = "Jinja template by which /tokenize renders conversations: a file, or the template in a single"
                    + " line (default: the model's own).")
    private String chatTemplate;

    @ArgGroup(validate = false, heading = "%nServer:%n")
    private GatewayOptions server = new GatewayOptions();

    @ArgGroup(validate = false, heading = "%nTopics:%n")
    private TopicOptions topics = new TopicOptions();

    @Override
    public Integer call() throws Exception {
        KafkaConfig kafka = topics.kafkaConfig(bootstrapServers, DeliveryGuarantee.EXACTLY_ONCE);
        TopicLimits limits = topics.prepare(kafka);
        try (var stop = new OrderlyStop(server.shutdownTimeout().plus(CLOSING));
                Gateway gateway = server.open(
                        kafka, limits, new ModelDirectory(model.given().folder()), servedModelNames, chatTemplate)) {
            var stopped = new CountDownLatch(1);
            stop.by(stopped::countDown);
            PrintWriter out = spec.commandLine().getOut();
            out.println("Application startup complete.");
            out.println("  API        " + gateway.url());
            out.println(
                    "  Topics     %s, %s at %s".formatted(kafka.promptTopic(), kafka.tokenTopic(), bootstrapServers));
            out.flush();
            stopped.await();
            return 0;
        }
    }
}

package dev.millrace.job.cli;

import dev.millrace.job.InferenceJob;
import dev.millrace.job.JobConfig;
import dev.millrace.job.RemoteFlink;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.InferenceOperatorFactory;
import dev.millrace.operators.OperatorConfig;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs the job against a Kafka that is there already. */
@Command(
        name = "run",
        description = {
            "Answers prompts from a Kafka topic into another until it is stopped.",
            "The job runs in a Flink MiniCluster in this process, in the cluster that --jobmanager names, or, given to"
                    + " 'flink run' with the thin jar, where Flink's own client says."
        })
final class RunCommand implements Callable<Integer> {

    private static final Logger LOG = LoggerFactory.getLogger(RunCommand.class);

    private final boolean isFlinksProgram;

    @Option(
            names = "--bootstrap-servers",
            required = true,
            paramLabel = "HOST:PORT[,...]",
            description = "Kafka brokers to start from.")
    private String bootstrapServers;

    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR",
            description = "Folder of the model, the same on every machine that computes.")
    private Path model;

    @ArgGroup(validate = false, heading = "%nTopics:%n")
    private TopicOptions topics = new TopicOptions();

    @ArgGroup(validate = false, heading = "%nJob:%n")
    private JobOptions job = new JobOptions();

    @ArgGroup(validate = false, heading = "%nModel:%n")
    private ModelOptions modelOptions = new ModelOptions();

    @ArgGroup(validate = false, heading = "%nEngine:%n")
    private EngineOptions engine = new EngineOptions();

    @ArgGroup(validate = false, heading = "%nDevice:%n")
    private DeviceOptions device = new DeviceOptions();

    @ArgGroup(validate = false, heading = "%nMedia:%n")
    private MediaOptions media = new MediaOptions();

    /**
     * @param isFlinksProgram whether Flink's own client runs this, and so says where the job goes
     */
    RunCommand(boolean isFlinksProgram) {
        this.isFlinksProgram = isFlinksProgram;
    }

    @Override
    public Integer call() throws Exception {
        Map<String, String> flink = isFlinksProgram ? job.noFlinkSettings() : job.flinkSettings();
        boolean here = !isFlinksProgram && job.jobManager == null;
        ModelExecutorFactory executors = here ? device.executors() : device.executorsElsewhere();
        var inference = new InferenceOperatorFactory(operatorConfig(), executors);
        KafkaConfig kafka = topics.kafkaConfig(bootstrapServers, job.deliveryGuarantee);
        TopicLimits limits = topics.prepare(kafka);
        if (isFlinksProgram) {
            InferenceJob.execute(jobConfig(kafka, null), limits, inference);
            return 0;
        }
        Function<String, JobGraph> graph =
                restored -> InferenceJob.build(jobConfig(kafka, restored), limits, inference);
        if (job.jobManager != null) {
            submit(job.jobManager, graph.apply(null));
            return 0;
        }
        return LocalJob.run(workFolder(kafka), job.localCheckpoints(), job.parallelism, flink, graph) ? 0 : 1;
    }

    /** What the flags mean for the operator. */
    OperatorConfig operatorConfig() {
        int maxModelLen = modelOptions.maxModelLen(model);
        return new OperatorConfig(
                model.toAbsolutePath().toString(),
                modelOptions.servedName(model),
                engine.executorConfig(modelOptions, device, maxModelLen),
                engine.engineConfig(maxModelLen),
                modelOptions.samplingDefaults(),
                modelOptions.maxLogprobs,
                media.settings(),
                job.queueLimits());
    }

    private JobConfig jobConfig(KafkaConfig kafka, String restored) {
        String name = "millrace " + modelOptions.servedName(model);
        return new JobConfig(name, kafka, job.parallelism, job.checkpointInterval, job.checkpointUri(), restored);
    }

    private static void submit(HostPort.Address jobManager, JobGraph graph) throws Exception {
        try (var cluster = RemoteFlink.connect(jobManager.host(), jobManager.port())) {
            LOG.info("Submitted job {} to {}", cluster.submitJob(graph).get(), cluster.getWebInterfaceURL());
        }
    }

    /** One folder a Kafka cluster and group, so that no job goes on from another's offsets. */
    private static Path workFolder(KafkaConfig kafka) throws InterruptedException {
        return Path.of(".millrace", "run", ClusterId.of(kafka), kafka.groupId() + "-" + kafka.promptTopic());
    }
}

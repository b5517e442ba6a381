package dev.millrace.job.cli;

import dev.millrace.job.InferenceJob;
import dev.millrace.job.RemoteFlink;
import dev.millrace.job.RetainedCheckpoints;
import dev.millrace.job.embedded.EmbeddedFlink;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.KafkaControl;
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
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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

    @Mixin
    private InferenceOptions options = new InferenceOptions();

    /**
     * @param isFlinksProgram whether Flink's own client runs this, and so says where the job goes
     */
    RunCommand(boolean isFlinksProgram) {
        this.isFlinksProgram = isFlinksProgram;
    }

    @Override
    public Integer call() throws Exception {
        JobOptions job = options.job;
        Map<String, String> flink = isFlinksProgram ? job.noFlinkSettings() : job.flinkSettings();
        boolean here = !isFlinksProgram && job.jobManager == null;
        ModelExecutorFactory executors = here ? options.device.executors() : options.device.executorsElsewhere();
        OperatorConfig operator = operatorConfig();
        if (here) {
            operator.check(executors);
        }
        KafkaConfig kafka = options.topics.kafkaConfig(bootstrapServers, job.deliveryGuarantee);
        var control = KafkaControl.factory(kafka, VersionProvider.version());
        var inference = new InferenceOperatorFactory(operator, executors, control);
        TopicLimits limits = options.topics.prepare(kafka);
        if (isFlinksProgram) {
            InferenceJob.execute(options.jobConfig(operator, kafka, job.checkpointUri(), null), limits, inference);
            return 0;
        }
        Function<String, JobGraph> graph = restored -> InferenceJob.build(
                options.jobConfig(operator, kafka, job.checkpointUri(), restored), limits, inference);
        if (job.jobManager != null) {
            submit(job.jobManager, graph.apply(null));
            return 0;
        }
        return runHere(Path.of(".millrace", "run").resolve(Origin.of(kafka)), flink, graph) ? 0 : 1;
    }

    private boolean runHere(Path folder, Map<String, String> flink, Function<String, JobGraph> graph) throws Exception {
        JobOptions job = options.job;
        try (var stop = new OrderlyStop();
                EmbeddedFlink cluster = EmbeddedFlink.start(folder, job.parallelism, flink)) {
            Path own = folder.resolve("checkpoints");
            RetainedCheckpoints.sweep(own);
            Path checkpoints = job.checkpointsHere(own);
            SubmittedJob running = SubmittedJob.submit(cluster, checkpoints, graph);
            stop.by(running::cancel);
            return running.awaitEnd();
        }
    }

    /** What the flags mean for the operator. */
    OperatorConfig operatorConfig() {
        return options.operatorConfig(model, null);
    }

    private static void submit(HostPort.Address jobManager, JobGraph graph) throws Exception {
        try (var cluster = RemoteFlink.connect(jobManager.host(), jobManager.port())) {
            LOG.info("Submitted job {} to {}", cluster.submitJob(graph).get(), cluster.getWebInterfaceURL());
        }
    }
}

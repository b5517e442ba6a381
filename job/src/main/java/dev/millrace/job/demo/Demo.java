package dev.millrace.job.demo;

import dev.millrace.job.InferenceJob;
import dev.millrace.job.JobConfig;
import dev.millrace.job.embedded.EmbeddedFlink;
import dev.millrace.job.embedded.EmbeddedKafka;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.job.kafka.Topics;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.InferenceOperatorFactory;
import dev.millrace.operators.OperatorConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.JobID;

/**
 * Everything in one process: a Kafka broker, a Flink cluster with its dashboard, the job, and a client that asks the sample
 * prompts and prints the answers. What can start at the same time does.
 */
public final class Demo implements AutoCloseable {

    private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(1);

    private final PrintWriter out;
    private final EmbeddedKafka kafka;
    private final EmbeddedFlink flink;
    private final KafkaConfig config;
    private final TopicLimits limits;
    private final JobID job;

    private Demo(
            PrintWriter out,
            EmbeddedKafka kafka,
            EmbeddedFlink flink,
            OperatorConfig operator,
            ModelExecutorFactory executors) {
        this.out = out;
        this.kafka = kafka;
        this.flink = flink;
        this.config = KafkaConfig.of(kafka.bootstrapServers()).withFormat(RecordFormat.JSON);
        try (var topics = new Topics(config)) {
            this.limits = topics.prepare();
        }
        this.job = submit(operator, executors);
    }

    /**
     * Starts broker, cluster and job.
     *
     * @param folder an empty folder for their data
     */
    public static Demo start(Path folder, OperatorConfig operator, ModelExecutorFactory executors, PrintWriter out)
            throws IOException {
        CompletableFuture<EmbeddedFlink> flink = CompletableFuture.supplyAsync(() -> startFlink(folder));
        EmbeddedKafka kafka;
        try (var warmUp = new WarmUp(operator, executors)) {
            warmUp.start();
            kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0);
            flink.join();
        }
        return new Demo(out, kafka, flink.join(), operator, executors);
    }

    /** Asks the prompts, prints the answers as they come and a table; whether every answer was finished. */
    public boolean ask(List<SamplePrompt> prompts, Duration patience) throws IOException {
        try (var conversation = new Conversation(config, limits, prompts.size(), out)) {
            conversation.submit(prompts);
            conversation.listen(patience);
            Collection<AnswerProgress> answers = conversation.answers();
            out.println();
            DemoTable.print(out, answers);
            return answers.stream().allMatch(AnswerProgress::isComplete);
        }
    }

    /** Address of the dashboard. */
    public URI dashboard() {
        return flink.dashboard();
    }

    /** Brokers, for those who want to ask more. */
    public String bootstrapServers() {
        return kafka.bootstrapServers();
    }

    @Override
    public void close() throws IOException {
        flink.client().cancel(job).join();
        flink.client().requestJobResult(job).join();
        flink.close();
        kafka.close();
    }

    private JobID submit(OperatorConfig operator, ModelExecutorFactory executors) {
        var settings = JobConfig.of(config).withCheckpoints(CHECKPOINT_INTERVAL, null);
        var inference = new InferenceOperatorFactory(operator, executors);
        return flink.client()
                .submitJob(InferenceJob.build(settings, limits, inference))
                .join();
    }

    private static EmbeddedFlink startFlink(Path folder) {
        try {
            return EmbeddedFlink.start(folder.resolve("flink"), 1, Map.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

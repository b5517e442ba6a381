package dev.millrace.bench;

import dev.millrace.job.InferenceJob;
import dev.millrace.job.JobConfig;
import dev.millrace.job.embedded.EmbeddedFlink;
import dev.millrace.job.embedded.EmbeddedKafka;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.job.kafka.Topics;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.InferenceOperatorFactory;
import dev.millrace.operators.OperatorConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.JobID;
import org.apache.flink.client.program.ClusterClient;
import org.apache.flink.runtime.jobmaster.JobResult;

/**
 * The job as {@code millrace run} starts it by default (Avro, exactly once, a checkpoint a second), with a broker and a
 * cluster of its own, all in this process.
 */
final class BenchJob implements AutoCloseable {

    private final EmbeddedKafka kafka;
    private final EmbeddedFlink flink;
    private final KafkaConfig config;
    private final JobID job;
    private final CompletableFuture<JobResult> end;

    /**
     * @param folder an empty folder for the data of both
     */
    BenchJob(Path folder, OperatorConfig operator, ModelExecutorFactory executors) throws IOException {
        kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0);
        flink = EmbeddedFlink.start(folder.resolve("flink"), 1, Map.of());
        config = KafkaConfig.of(kafka.bootstrapServers());
        TopicLimits limits;
        try (var topics = new Topics(config)) {
            limits = topics.prepare();
        }
        ClusterClient<?> client = flink.client();
        job = client.submitJob(InferenceJob.build(
                        JobConfig.of(config), limits, new InferenceOperatorFactory(operator, executors)))
                .join();
        end = client.requestJobResult(job);
    }

    /** Where to ask and to read. */
    KafkaConfig config() {
        return config;
    }

    /** @throws IllegalStateException if the job has ended, with the reason */
    void check() {
        if (end.isDone()) {
            throw new IllegalStateException(
                    "the job has ended", end.join().getSerializedThrowable().orElse(null));
        }
    }

    @Override
    public void close() throws IOException {
        if (!end.isDone()) {
            flink.client().cancel(job).join();
            end.join();
        }
        flink.close();
        kafka.close();
    }
}

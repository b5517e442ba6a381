package dev.millrace.job;

import dev.millrace.job.kafka.KafkaConfig;
import java.time.Duration;

/**
 * How the Flink job runs.
 *
 * @param name what the dashboard calls it
 * @param kafka where prompts come from and tokens go to
 * @param parallelism subtasks of the inference operator
 * @param checkpointInterval time between checkpoints: the latency of read-committed readers
 * @param checkpointDir URI of the folder that checkpoints are kept in; null: the cluster's setting
 * @param restoreFrom checkpoint or savepoint to go on from, which the job takes over and deletes in time; null: none
 */
public record JobConfig(
        String name,
        KafkaConfig kafka,
        int parallelism,
        Duration checkpointInterval,
        String checkpointDir,
        String restoreFrom) {

    /** One subtask, checkpoints every second, from no state. */
    public static JobConfig of(KafkaConfig kafka) {
        return new JobConfig("millrace", kafka, 1, Duration.ofSeconds(1), null, null);
    }

    public JobConfig withParallelism(int subtasks) {
        return new JobConfig(name, kafka, subtasks, checkpointInterval, checkpointDir, restoreFrom);
    }

    public JobConfig withCheckpoints(Duration interval, String dir) {
        return new JobConfig(name, kafka, parallelism, interval, dir, restoreFrom);
    }

    public JobConfig withRestoreFrom(String path) {
        return new JobConfig(name, kafka, parallelism, checkpointInterval, checkpointDir, path);
    }
}

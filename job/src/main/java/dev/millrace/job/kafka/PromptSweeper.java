package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.LoopThread;
import dev.millrace.gateway.topic.Trouble;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes prompts that the job has read, once a minute. They are in its checkpoints, and with their pictures they would fill the
 * disk. For a broker that is the job's own; elsewhere prompts are their writers'.
 */
public final class PromptSweeper implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PromptSweeper.class);
    private static final Duration BETWEEN_SWEEPS = Duration.ofMinutes(1);

    private final KafkaConfig config;
    private final Admin admin;
    private final Trouble trouble = new Trouble(LOG, "Prompts that were read are deleted");
    private final LoopThread thread = new LoopThread("prompt-sweeper", this::run);

    PromptSweeper(KafkaConfig config) {
        this.config = config;
        this.admin = Admin.create(config.properties());
    }

    public static PromptSweeper start(KafkaConfig config) {
        var sweeper = new PromptSweeper(config);
        sweeper.thread.start();
        return sweeper;
    }

    private void run() {
        try {
            while (thread.isOpen()) {
                thread.pause(BETWEEN_SWEEPS);
                trySweep();
            }
        } catch (InterruptedException e) {
            LOG.warn("prompts that were read are no longer deleted, as the thread that does it was interrupted", e);
        }
    }

    private void trySweep() {
        try {
            sweep();
            trouble.isOver();
        } catch (KafkaException e) {
            trouble.is(e);
        }
    }

    /** Deletes what lies before the offsets that the job committed, as it does when a checkpoint is complete. */
    void sweep() {
        Map<TopicPartition, RecordsToDelete> read = new HashMap<>();
        Map<TopicPartition, OffsetAndMetadata> committed = Answers.await(
                admin.listConsumerGroupOffsets(config.groupId()).partitionsToOffsetAndMetadata(),
                "list what the group " + config.groupId() + " has read");
        committed.forEach((partition, offset) -> {
            if (offset != null && partition.topic().equals(config.promptTopic())) {
                read.put(partition, RecordsToDelete.beforeOffset(offset.offset()));
            }
        });
        Answers.await(admin.deleteRecords(read).all(), "delete prompts that were read");
    }

    @Override
    public void close() {
        thread.close();
        admin.close(Duration.ZERO);
    }
}

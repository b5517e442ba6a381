package dev.millrace.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.job.LocalStack;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@Timeout(120)
@ExtendWith(LocalStack.Shared.class)
class PromptSweeperTest {

    @Test
    void whatTheJobHasReadIsDeletedAndNothingElse(LocalStack stack) throws Exception {
        KafkaConfig config = stack.freshTopics();
        try (PromptProducer prompts = new PromptProducer(config, LocalStack.prepare(config));
                Admin admin = Admin.create(config.properties());
                PromptSweeper sweeper = new PromptSweeper(config)) {
            RecordMetadata last = null;
            for (int i = 0; i < 3; i++) {
                last = prompts.send(prompt()).get();
            }
            TopicPartition written = new TopicPartition(last.topic(), last.partition());
            sweeper.sweep();
            assertThat(first(admin, written)).as("before the job has read any").isZero();

            commit(admin, config, Map.of(written, 2L, new TopicPartition(config.tokenTopic(), 0), 0L));
            sweeper.sweep();
            assertThat(first(admin, written)).isEqualTo(2);
            sweeper.sweep();
            assertThat(first(admin, written)).as("a second time").isEqualTo(2);
        }
    }

    private static void commit(Admin admin, KafkaConfig config, Map<TopicPartition, Long> offsets) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> read = offsets.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> new OffsetAndMetadata(entry.getValue())));
        admin.alterConsumerGroupOffsets(config.groupId(), read).all().get();
    }

    private static long first(Admin admin, TopicPartition partition) throws Exception {
        return admin.listOffsets(Map.of(partition, OffsetSpec.earliest()))
                .partitionResult(partition)
                .get()
                .offset();
    }

    /** All of one id, so all in one partition. */
    private static PromptRequest prompt() {
        return PromptRequest.newBuilder()
                .setRequestId("r")
                .setPrompt("a")
                .setSampling(SamplingOptions.newBuilder().build())
                .build();
    }
}

package dev.millrace.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.job.LocalStack;
import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TokenEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@Timeout(600)
@ExtendWith(LocalStack.Shared.class)
class TopicsTest {

    private static final byte[] KEY = {1};

    @Test
    void missingTopicsAreMadeForLargePromptsThatAreKept(LocalStack stack) throws Exception {
        KafkaConfig config = stack.freshTopics();
        TopicLimits limits = LocalStack.prepare(config);
        assertThat(limits.promptBytes()).isEqualTo(32 << 20);
        assertThat(limits.transactionTimeoutMs()).isEqualTo(3_600_000);
        try (Admin admin = Admin.create(config.properties())) {
            assertThat(admin.describeTopics(List.of(config.promptTopic()))
                            .allTopicNames()
                            .get()
                            .get(config.promptTopic())
                            .partitions())
                    .hasSize(16);
            assertThat(setting(admin, config.promptTopic(), "retention.ms")).isEqualTo("-1");
            assertThat(setting(admin, config.promptTopic(), "retention.bytes")).isEqualTo("-1");
        }
        assertThat(LocalStack.prepare(config)).as("a second time").isEqualTo(limits);
    }

    @Test
    void promptsUpToTheLimitPassAndLargerOnesAreRefusedWithIt(LocalStack stack) throws Exception {
        KafkaConfig config = stack.freshTopics();
        TopicLimits limits = LocalStack.prepare(config);
        try (PromptProducer producer = new PromptProducer(config, limits)) {
            producer.send(prompt((32 << 20) - 1024)).get();
            assertThatThrownBy(() -> producer.send(prompt(32 << 20)))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("takes 33554432 (max.message.bytes)")
                    .hasMessageContaining("by URL");
        }
    }

    @Test
    void limitsOfForeignTopicsAreReadAndWhatDoesNotFitIsRefused(LocalStack stack) throws Exception {
        KafkaConfig config = stack.freshTopics();
        try (Admin admin = Admin.create(config.properties())) {
            create(admin, config.promptTopic(), Map.of("max.message.bytes", "5000"));
            create(admin, config.tokenTopic(), Map.of("max.message.bytes", "2000"));
            create(admin, config.deadLetterTopic(), Map.of("max.message.bytes", "5000"));
            assertRefused(config, "token topic " + config.tokenTopic() + " takes records of 2000 bytes");
            alter(admin, config.tokenTopic(), "max.message.bytes", "1000000");
            assertRefused(config, "Raise its max.message.bytes to " + (5000 + DeadLetterSerializer.OVERHEAD));
            alter(admin, config.deadLetterTopic(), "max.message.bytes", "100000");
            TopicLimits limits = LocalStack.prepare(config);
            try (PromptProducer producer = new PromptProducer(config, limits)) {
                assertThatThrownBy(() -> producer.send(prompt(6000))).hasMessageContaining("takes 5000");
            }
            alter(admin, config.promptTopic(), "cleanup.policy", "compact");
            assertRefused(config, "drops prompts with equal keys");
        }
    }

    @Test
    void clusterThatDoesNotAnswerIsNamed() {
        KafkaConfig nowhere = new KafkaConfig(
                "127.0.0.1:1",
                "p",
                "t",
                null,
                "g",
                RecordFormat.AVRO,
                KafkaConfig.of("").guarantee(),
                false,
                Map.of("default.api.timeout.ms", "500", "request.timeout.ms", "500"));
        assertThatThrownBy(() -> LocalStack.prepare(nowhere)).hasMessageContaining("Timed out");
    }

    @Test
    void readerFromTheEndSeesOnlyWhatComesAfterItWasMade(LocalStack stack) throws Exception {
        KafkaConfig config = stack.freshTopics().withFormat(RecordFormat.JSON);
        TopicLimits limits = LocalStack.prepare(config);
        KafkaConfig tokensAsPrompts =
                config.withTopics(config.tokenTopic(), config.tokenTopic(), config.deadLetterTopic());
        try (PromptProducer producer = new PromptProducer(tokensAsPrompts, limits)) {
            producer.send(KEY, event("before")).get();
            try (TokenReader latest = new TokenReader(config, IsolationLevel.READ_COMMITTED, TopicReader.Start.LATEST);
                    TokenReader earliest =
                            new TokenReader(config, IsolationLevel.READ_COMMITTED, TopicReader.Start.EARLIEST)) {
                producer.send(KEY, event("after")).get();
                assertThat(readUntilAfter(latest)).containsExactly("after");
                assertThat(readUntilAfter(earliest)).containsExactly("before", "after");
            }
        }
    }

    /** The ids that are read up to that of {@code after}; one key, so they come in order. */
    private static List<String> readUntilAfter(TokenReader reader) throws Exception {
        List<String> ids = new ArrayList<>();
        while (!ids.contains("after")) {
            reader.poll(Duration.ofMillis(100)).forEach(event -> ids.add(event.getRequestId()));
        }
        return ids;
    }

    private static byte[] event(String id) throws Exception {
        return RecordFormat.JSON
                .tokens("")
                .encode(TokenEvent.newBuilder()
                        .setRequestId(id)
                        .setEmittedAt(Instant.EPOCH)
                        .build());
    }

    private static void assertRefused(KafkaConfig config, String words) {
        assertThatThrownBy(() -> LocalStack.prepare(config))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(words);
    }

    private static void create(Admin admin, String topic, Map<String, String> settings) throws Exception {
        admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(settings)))
                .all()
                .get();
    }

    /** Sets it and waits until the broker says so: it learns from the controller in its own time. */
    private static void alter(Admin admin, String topic, String name, String value) throws Exception {
        var operation = new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), List.of(operation)))
                .all()
                .get();
        while (!setting(admin, topic, name).equals(value)) {
            Thread.onSpinWait();
        }
    }

    private static String setting(Admin admin, String topic, String name) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        return config.get(name).value();
    }

    private static PromptRequest prompt(int characters) {
        return PromptRequest.newBuilder()
                .setRequestId("large")
                .setPrompt("a".repeat(characters))
                .setSampling(SamplingOptions.newBuilder().build())
                .build();
    }
}

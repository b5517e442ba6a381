package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.ControlTopic;
import dev.millrace.gateway.topic.StatusTopic;
import dev.millrace.gateway.topic.TopicsConfig;
import dev.millrace.gateway.topic.TopicsConfig.Instance;
import java.io.Serializable;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * Where prompts come from and tokens go to.
 *
 * @param bootstrapServers {@code host:port}, several with commas
 * @param promptTopic topic that prompts are read from
 * @param tokenTopic topic that token events are written to
 * @param deadLetterTopic topic that keeps unreadable records as they came; null: none
 * @param groupId consumer group whose committed offsets a job without state starts at
 * @param format form of the records
 * @param guarantee what is promised of the token topic
 * @param bounded whether the job ends when what was in the topic at its start is answered
 * @param clientProperties further properties for every Kafka client, such as those of authentication
 */
public record KafkaConfig(
        String bootstrapServers,
        String promptTopic,
        String tokenTopic,
        String deadLetterTopic,
        String groupId,
        RecordFormat format,
        DeliveryGuarantee guarantee,
        boolean bounded,
        Map<String, String> clientProperties)
        implements Serializable {

    /** Topics {@code prompts} and {@code tokens}, group {@code millrace}, Avro, exactly once. */
    public static KafkaConfig of(String bootstrapServers) {
        return new KafkaConfig(
                bootstrapServers,
                "prompts",
                "tokens",
                null,
                "millrace",
                RecordFormat.AVRO,
                DeliveryGuarantee.EXACTLY_ONCE,
                false,
                Map.of());
    }

    public KafkaConfig withTopics(String prompts, String tokens, String deadLetters) {
        return new KafkaConfig(
                bootstrapServers, prompts, tokens, deadLetters, groupId, format, guarantee, bounded, clientProperties);
    }

    public KafkaConfig withGroupId(String group) {
        return new KafkaConfig(
                bootstrapServers,
                promptTopic,
                tokenTopic,
                deadLetterTopic,
                group,
                format,
                guarantee,
                bounded,
                clientProperties);
    }

    public KafkaConfig withFormat(RecordFormat recordFormat) {
        return new KafkaConfig(
                bootstrapServers,
                promptTopic,
                tokenTopic,
                deadLetterTopic,
                groupId,
                recordFormat,
                guarantee,
                bounded,
                clientProperties);
    }

    public KafkaConfig withBounded(boolean ends) {
        return new KafkaConfig(
                bootstrapServers,
                promptTopic,
                tokenTopic,
                deadLetterTopic,
                groupId,
                format,
                guarantee,
                ends,
                clientProperties);
    }

    /** Topic that cancels are read from. */
    public String controlTopic() {
        return ControlTopic.of(promptTopic);
    }

    /** Topic that says how the job is. */
    public String statusTopic() {
        return StatusTopic.of(tokenTopic);
    }

    /**
     * What a gateway in front of these topics is told.
     *
     * @param limits what the topics allow
     * @param instance which of the gateways it is
     * @param maxPending most requests outstanding
     * @param timeout after which a request without a deadline is ended; null: never
     */
    public TopicsConfig gateway(TopicLimits limits, Instance instance, int maxPending, Duration timeout) {
        return new TopicsConfig(
                properties(),
                promptTopic,
                tokenTopic,
                () -> format.prompts(promptTopic),
                () -> format.tokens(tokenTopic),
                limits.promptBytes(),
                instance,
                maxPending,
                timeout);
    }

    /** What the job's producers are told, unless the user says otherwise: a token does not wait for others. */
    Properties producerProperties() {
        Properties properties = properties();
        properties.putIfAbsent(ProducerConfig.LINGER_MS_CONFIG, "0");
        return properties;
    }

    /** What every client of this cluster needs. */
    public Properties properties() {
        Properties properties = new Properties();
        properties.putAll(clientProperties);
        properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        return properties;
    }
}

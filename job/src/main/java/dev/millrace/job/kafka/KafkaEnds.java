package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.RecordProducer;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.TokenEvent;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.KafkaSourceOptions;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.clients.producer.ProducerConfig;

/** The job's ends in Kafka: the gated source of prompts, the sinks of token events and of unreadable records. */
public final class KafkaEnds {

    /** Records fetched ahead of a closed gate; media make them large. */
    private static final String MAX_POLL_RECORDS = "16";

    private static final String PARTITION_DISCOVERY_MS = "30000";

    private final KafkaConfig config;
    private final TopicLimits limits;

    public KafkaEnds(KafkaConfig config, TopicLimits limits) {
        this.config = config;
        this.limits = limits;
    }

    /**
     * Prompts from the group's committed offsets, else from the earliest. Its operator must be chained to it. A record
     * larger than the fetch sizes is fetched alone (KIP-74), so these need no raising.
     */
    @SuppressWarnings("deprecation") // the connector's API still takes the clients' deprecated OffsetResetStrategy
    public Source<InboundPrompt, ?, ?> prompts() {
        KafkaSourceBuilder<InboundPrompt> builder = KafkaSource.<InboundPrompt>builder()
                .setProperties(config.properties())
                .setTopics(config.promptTopic())
                .setGroupId(config.groupId())
                .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
                .setProperty(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, MAX_POLL_RECORDS)
                .setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed")
                .setProperty(KafkaSourceOptions.PARTITION_DISCOVERY_INTERVAL_MS.key(), PARTITION_DISCOVERY_MS)
                .setDeserializer(new PromptDeserializer(config.format(), config.promptTopic()));
        if (config.bounded()) {
            builder.setBounded(OffsetsInitializer.latest());
        }
        return new GatedSource<>(builder.build(), new AvroTypeInfo<>(InboundPrompt.class));
    }

    public KafkaSink<TokenEvent> tokens() {
        return sink(
                config.tokenTopic(),
                limits.tokenBytes(),
                new TokenEventSerializer(config.format(), config.tokenTopic()));
    }

    /** @throws IllegalStateException if no dead-letter topic is configured */
    public KafkaSink<InboundPrompt> deadLetters() {
        if (config.deadLetterTopic() == null) {
            throw new IllegalStateException("no dead-letter topic is configured");
        }
        return sink(
                config.deadLetterTopic(), limits.deadLetterBytes(), new DeadLetterSerializer(config.deadLetterTopic()));
    }

    /**
     * The transactional prefix stays the same over restarts of the job, so that a restart ends what its forerunner left
     * open. Pooled names would leave a client behind with each restart.
     */
    private <T> KafkaSink<T> sink(String topic, int maxBytes, KafkaRecordSerializationSchema<T> serializer) {
        KafkaSinkBuilder<T> builder = KafkaSink.<T>builder()
                .setKafkaProducerConfig(config.producerProperties())
                .setBootstrapServers(config.bootstrapServers())
                .setDeliveryGuarantee(config.guarantee())
                .setProperty(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, Integer.toString(maxBytes))
                .setProperty(ProducerConfig.BUFFER_MEMORY_CONFIG, Long.toString(RecordProducer.bufferBytes(maxBytes)))
                .setRecordSerializer(serializer);
        if (config.guarantee() == DeliveryGuarantee.EXACTLY_ONCE) {
            builder.setTransactionalIdPrefix("millrace/" + config.groupId() + "/" + topic)
                    .setTransactionNamingStrategy(TransactionNamingStrategy.INCREMENTING)
                    .setProperty(
                            ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, Integer.toString(limits.transactionTimeoutMs()));
        }
        return builder.build();
    }
}

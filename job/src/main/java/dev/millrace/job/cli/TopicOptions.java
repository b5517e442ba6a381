package dev.millrace.job.cli;

import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.RecordFormat.Encoding;
import java.net.URI;
import org.apache.flink.connector.base.DeliveryGuarantee;
import picocli.CommandLine.Option;

/** The topics, and the form of the records in them. */
final class TopicOptions {

    /** Form of a record's value. */
    enum Format {
        avro,
        json
    }

    @Option(
            names = "--prompt-topic",
            paramLabel = "TOPIC",
            description =
                    "Topic that prompts are read from (default: ${DEFAULT-VALUE}); created with 16 partitions if missing.")
    private String promptTopic = "prompts";

    @Option(
            names = "--token-topic",
            paramLabel = "TOPIC",
            description = "Topic that token events are written to (default: ${DEFAULT-VALUE}).")
    private String tokenTopic = "tokens";

    @Option(
            names = "--dead-letter-topic",
            paramLabel = "TOPIC",
            description =
                    "Topic that keeps records which cannot be read (default: none; they are answered all the same).")
    private String deadLetterTopic;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description =
                    "Form of the records: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}, single-object encoding);"
                            + " with json a prompt is an OpenAI chat-completions body.")
    private Format format = Format.avro;

    @Option(
            names = "--schema-registry-url",
            paramLabel = "URL",
            description = "Schema registry that Avro records refer to in the Confluent wire format (default: none).")
    private URI schemaRegistryUrl;

    @Option(
            names = "--group-id",
            paramLabel = "GROUP",
            description =
                    "Consumer group whose committed offsets a job without state starts at, and part of the names of"
                            + " transactions (default: ${DEFAULT-VALUE}).")
    private String groupId = "millrace";

    @Option(
            names = "--command-config",
            paramLabel = "FILE",
            converter = ClientProperties.Converter.class,
            description = "Properties file for every Kafka client, as Kafka's own tools take it: security.protocol,"
                    + " sasl.mechanism, sasl.jaas.config, ssl.truststore.location and so on (default: none).")
    private ClientProperties clientProperties = ClientProperties.NONE;

    KafkaConfig kafkaConfig(String bootstrapServers, DeliveryGuarantee guarantee) {
        String registry = schemaRegistryUrl == null ? null : schemaRegistryUrl.toString();
        return new KafkaConfig(
                bootstrapServers,
                promptTopic,
                tokenTopic,
                deadLetterTopic,
                groupId,
                new RecordFormat(format == Format.json ? Encoding.JSON : Encoding.AVRO, registry),
                guarantee,
                false,
                clientProperties.values());
    }
}

package dev.millrace.job.cli;

import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.RecordFormat.Encoding;
import dev.millrace.job.kafka.SchemaRegistry;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.job.kafka.Topics;
import dev.millrace.model.InvalidInputException;
import java.net.URI;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.InterruptException;
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
                    + " sasl.mechanism, sasl.jaas.config, ssl.truststore.location and so on; for the schema registry's"
                    + " basic.auth.user.info and schema.registry.ssl.truststore.location and so on (default: none).")
    private ClientProperties clientProperties = ClientProperties.NONE;

    /** @throws InvalidInputException if the group has no name */
    KafkaConfig kafkaConfig(String bootstrapServers, DeliveryGuarantee guarantee) {
        if (groupId.isBlank()) {
            throw new InvalidInputException("--group-id is '" + groupId + "'; a name is needed", "--group-id");
        }
        return new KafkaConfig(
                bootstrapServers,
                promptTopic,
                tokenTopic,
                deadLetterTopic,
                groupId,
                new RecordFormat(format == Format.json ? Encoding.JSON : Encoding.AVRO, registry()),
                guarantee,
                false,
                clientProperties.ofKafka());
    }

    private SchemaRegistry registry() {
        if (schemaRegistryUrl == null) {
            return null;
        }
        try {
            var registry = new SchemaRegistry(schemaRegistryUrl.toString(), clientProperties.ofRegistry());
            registry.check();
            return registry;
        } catch (IllegalArgumentException e) {
            throw clientProperties.fault("the schema registry's client cannot use it: " + e.getMessage(), null);
        }
    }

    /** Makes the missing topics and reads the limits of all, or says which flag is at fault. */
    TopicLimits prepare(KafkaConfig kafka) {
        try (var topics = connect(kafka)) {
            return topics.prepare();
        } catch (AuthenticationException e) {
            throw clientProperties.fault(kafka.bootstrapServers() + " refuses this login: " + e.getMessage(), e);
        } catch (InterruptException e) {
            throw e; // nobody's fault: the process is told to stop
        } catch (KafkaException e) {
            throw new InvalidInputException(
                    "--bootstrap-servers %s cannot be used: %s".formatted(kafka.bootstrapServers(), e.getMessage()),
                    "--bootstrap-servers",
                    e.getCause());
        }
    }

    /** Nothing is asked of a broker here, so that, but for their addresses, only the properties can be at fault. */
    private Topics connect(KafkaConfig kafka) {
        try {
            return new Topics(kafka);
        } catch (KafkaException e) {
            String reason = reason(e);
            if (clientProperties.file() == null || reason.contains("bootstrap")) {
                throw e;
            }
            throw clientProperties.fault("no client can be made with it: " + reason, null);
        }
    }

    /** What the innermost of Kafka's failures says; those around it say which part of the client was being made. */
    private static String reason(KafkaException failure) {
        String reason = failure.getMessage();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof KafkaException || cause instanceof IllegalArgumentException) {
                reason = cause.getMessage();
            }
        }
        return String.valueOf(reason);
    }
}

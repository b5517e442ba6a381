package dev.millrace.job.cli;

import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigValue;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Properties of clients, such as those of SASL and TLS.
 *
 * @param file where they were read; null: nowhere
 * @param ofKafka what every Kafka client gets
 * @param ofRegistry what a schema registry's client gets, without the prefix {@code schema.registry.}
 */
record ClientProperties(String file, Map<String, String> ofKafka, Map<String, String> ofRegistry) {

    static final ClientProperties NONE = new ClientProperties(null, Map.of(), Map.of());

    private static final String REGISTRY = "schema.registry.";
    private static final String LOGIN = "basic.auth.";

    private static final List<ConfigDef> CLIENTS =
            List.of(AdminClientConfig.configDef(), ConsumerConfig.configDef(), ProducerConfig.configDef());

    private static ClientProperties of(String file, Properties properties) {
        Map<String, String> kafka = new HashMap<>();
        Map<String, String> registry = new HashMap<>();
        for (String name : properties.stringPropertyNames()) {
            String value = properties.getProperty(name);
            if (name.startsWith(REGISTRY)) {
                registry.put(name.substring(REGISTRY.length()), value);
            } else {
                (name.startsWith(LOGIN) ? registry : kafka).put(name, value);
            }
        }
        return new ClientProperties(file, kafka, registry);
    }

    /** Reads them from a properties file, as Kafka's own tools do. */
    static final class Converter implements ITypeConverter<ClientProperties> {

        @Override
        public ClientProperties convert(String value) {
            try (Reader file = Files.newBufferedReader(Path.of(value))) {
                Properties properties = new Properties();
                properties.load(file);
                ClientProperties read = of(value, properties);
                CLIENTS.forEach(client -> read.check(client.validate(read.ofKafka())));
                return read;
            } catch (IOException | IllegalArgumentException e) {
                throw new TypeConversionException("'%s' cannot be read as a properties file: %s".formatted(value, e));
            }
        }
    }

    /** What is wrong with them, in a user's words. */
    InvalidInputException fault(String what, Throwable cause) {
        String flag = "--command-config";
        return new InvalidInputException(flag + " " + (file == null ? "(none)" : file) + ": " + what, flag, cause);
    }

    /** Faults of settings that are not in the file, such as the brokers' addresses, are told elsewhere. */
    private void check(List<ConfigValue> settings) {
        for (ConfigValue setting : settings) {
            if (ofKafka.containsKey(setting.name()) && !setting.errorMessages().isEmpty()) {
                throw new TypeConversionException(
                        "'%s': %s".formatted(file, String.join("; ", setting.errorMessages())));
            }
        }
    }
}

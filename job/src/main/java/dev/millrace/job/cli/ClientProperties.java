package dev.millrace.job.cli;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Properties of every Kafka client, such as those of SASL and TLS. */
record ClientProperties(Map<String, String> values) {

    static final ClientProperties NONE = new ClientProperties(Map.of());

    /** Reads them from a properties file, as Kafka's own tools do. */
    static final class Converter implements ITypeConverter<ClientProperties> {

        @Override
        public ClientProperties convert(String value) {
            try (Reader file = Files.newBufferedReader(Path.of(value))) {
                Properties properties = new Properties();
                properties.load(file);
                Map<String, String> values = new TreeMap<>();
                properties.stringPropertyNames().forEach(name -> values.put(name, properties.getProperty(name)));
                return new ClientProperties(Map.copyOf(values));
            } catch (IOException | IllegalArgumentException e) {
                throw new TypeConversionException("'%s' cannot be read as a properties file: %s".formatted(value, e));
            }
        }
    }
}

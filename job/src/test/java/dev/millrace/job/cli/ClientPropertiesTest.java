package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class ClientPropertiesTest {

    @TempDir
    Path folder;

    @Test
    void aFileThatCannotBeReadIsNamed() throws IOException {
        Path bad = Files.writeString(folder.resolve("bad.properties"), "a=\\u12");
        assertThat(complaint(2, Path.of("/no/such.properties")))
                .contains("--command-config", "'/no/such.properties' cannot be read as a properties file");
        assertThat(complaint(2, bad)).contains("--command-config", bad.toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "security.protocol=SSSL|Invalid value SSSL for configuration security.protocol",
                "max.poll.records=many|Invalid value many for configuration max.poll.records",
                "linger.ms=-1|Invalid value -1 for configuration linger.ms",
            })
    void aValueThatNoClientTakesIsNamedWithItsKeyAndFile(String line, String words) throws IOException {
        Path file = Files.writeString(folder.resolve("client.properties"), line);
        assertThat(complaint(2, file)).contains("--command-config", file.toString(), words);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "security.protocol=SASL_SSL;sasl.mechanism=PLAIN;sasl.jaas.config=?|no client can be made with it: Login module control flag not specified in JAAS config",
                "security.protocol=SSL;ssl.truststore.location=/no/such.jks|Failed to load SSL keystore /no/such.jks of type JKS",
                "schema.registry.ssl.truststore.location=/no/such.jks|the schema registry's client",
                "basic.auth.credentials.source=NONE|basic.auth.credentials.source is NONE",
            })
    void propertiesOfWhichNoClientCanBeMadeAreBlamedOnTheirFile(String lines, String words) throws IOException {
        Path file = Files.writeString(folder.resolve("client.properties"), lines.replace(';', '\n'));
        assertThat(complaint(1, file))
                .startsWith("millrace: --command-config " + file + ": ")
                .contains(words);
    }

    private static String complaint(int code, Path file) {
        var err = new StringWriter();
        CommandLine line = Main.commandLine().setErr(new PrintWriter(err, true));
        assertThat(line.execute(
                        "run",
                        "--bootstrap-servers=127.0.0.1:1",
                        "--schema-registry-url=http://127.0.0.1:1",
                        "--model=" + RunTest.model(),
                        "--command-config=" + file))
                .isEqualTo(code);
        return err.toString();
    }
}

package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.job.demo.TemporaryFolder;
import dev.millrace.job.embedded.EmbeddedKafka;
import dev.millrace.job.kafka.Certificate;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.job.kafka.Topics;
import dev.millrace.schemas.TokenEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.common.IsolationLevel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class RunTest {

    private static final String PROMPT =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"Who are you?\"}], \"temperature\": 0}";

    private static final String LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required";

    /** A broker with TLS that lets in only who knows the password. */
    private static Map<String, String> locked(Certificate certificate) {
        Map<String, String> settings = new HashMap<>(certificate.keystore());
        settings.putAll(certificate.truststore());
        settings.put("listener.security.protocol.map", "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT");
        settings.put("sasl.enabled.mechanisms", "PLAIN");
        settings.put("sasl.mechanism.inter.broker.protocol", "PLAIN");
        settings.put(
                "listener.name.plaintext.plain.sasl.jaas.config",
                LOGIN + " username='broker' password='b' user_broker='b' user_miller='secret';");
        return settings;
    }

    private static Map<String, String> key(Certificate certificate, String password) {
        Map<String, String> properties = new HashMap<>(certificate.truststore());
        properties.put("security.protocol", "SASL_SSL");
        properties.put("sasl.mechanism", "PLAIN");
        properties.put("sasl.jaas.config", LOGIN + " username='miller' password='" + password + "';");
        return properties;
    }

    @TempDir
    Path folder;

    @Test
    @Timeout(600)
    void promptsOfAnotherKafkaWithTlsAndAPasswordAreAnsweredUntilTheCommandIsStopped() throws Exception {
        var certificate = Certificate.make(folder);
        try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0, locked(certificate))) {
            Map<String, String> key = key(certificate, "secret");
            Path file = properties(key);
            Path half = halfACheckpoint(kafka.bootstrapServers(), key);
            var exit = new CompletableFuture<Integer>();
            int port = freePort();
            var running = new Thread(() -> exit.complete(run(
                    kafka.bootstrapServers(),
                    file,
                    "-Dmetrics.reporters=prom",
                    "-Dmetrics.reporter.prom.factory.class=org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
                    "-Dmetrics.reporter.prom.port=" + port)));
            running.start();

            String answer = ask(kafka.bootstrapServers(), key, "r");

            assertThat(answer).startsWith("I am a tiny demonstration model.");
            assertThat(prometheus(port, "flink_taskmanager_job_task_operator_generation_tokens"))
                    .isEqualTo("23.0");
            assertThat(half).as("what a killed job left").doesNotExist();
            assertThat(exit).isNotDone();
            running.interrupt();
            assertThat(exit.join()).isEqualTo(1);
        } finally {
            new TemporaryFolder(Path.of(".millrace")).close();
        }
    }

    /** As a job leaves it that is killed while it writes one. */
    private static Path halfACheckpoint(String bootstrapServers, Map<String, String> key) throws Exception {
        String origin = Origin.of(new KafkaConfig(
                bootstrapServers,
                "questions",
                "answers",
                null,
                "millrace",
                RecordFormat.JSON,
                DeliveryGuarantee.EXACTLY_ONCE,
                false,
                key));
        Path job = Path.of(".millrace", "run").resolve(origin).resolve("checkpoints/killed");
        Files.writeString(Files.createDirectories(job.resolve("chk-9")).resolve("state"), "media");
        return job;
    }

    @Test
    void aKafkaThatDoesNotAnswerIsNamed() {
        var err = new StringWriter();
        CommandLine line = Main.commandLine().setErr(new PrintWriter(err, true));

        assertThat(line.execute("run", "--bootstrap-servers", "nowhere.invalid:9092", "--model", model()))
                .isEqualTo(1);
        assertThat(err.toString()).startsWith("millrace: ").contains("nowhere.invalid:9092");
    }

    @Test
    @Timeout(600)
    void aJobThatCannotBeginEndsInsteadOfBeingRestarted() throws Exception {
        var certificate = Certificate.make(folder);
        try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0, locked(certificate))) {
            Path key = properties(key(certificate, "secret"));
            assertThat(run(kafka.bootstrapServers(), key, "--max-model-len=2048", "--kv-cache-memory-bytes=64KiB"))
                    .isEqualTo(1);
        } finally {
            new TemporaryFolder(Path.of(".millrace")).close();
        }
    }

    @Test
    @Timeout(600)
    void aRefusedLoginIsThatOfTheProperties() throws Exception {
        var certificate = Certificate.make(folder);
        var err = new StringWriter();
        try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0, locked(certificate))) {
            Path key = properties(key(certificate, "guessed"));
            CommandLine line = Main.commandLine().setErr(new PrintWriter(err, true));
            assertThat(line.execute(flags(kafka.bootstrapServers(), key))).isEqualTo(1);
            assertThat(err.toString())
                    .startsWith("millrace: --command-config " + key + ": " + kafka.bootstrapServers()
                            + " refuses this login: Authentication failed: Invalid username or password");
        }
    }

    private Path properties(Map<String, String> properties) throws IOException {
        return Files.writeString(
                folder.resolve("client.properties"),
                properties.entrySet().stream().map(Object::toString).collect(Collectors.joining("\n")));
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** What a page for Prometheus says of a metric. */
    private static String prometheus(int port, String metric) throws IOException {
        URL page = URI.create("http://127.0.0.1:" + port + "/metrics").toURL();
        try (var lines = new BufferedReader(new InputStreamReader(page.openStream(), StandardCharsets.UTF_8))) {
            return lines.lines()
                    .filter(line -> line.startsWith(metric + "{"))
                    .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                    .collect(Collectors.joining());
        }
    }

    private static int run(String bootstrapServers, Path key, String... more) {
        return Main.commandLine().execute(flags(bootstrapServers, key, more));
    }

    private static String[] flags(String bootstrapServers, Path key, String... more) {
        List<String> flags = List.of(
                "run",
                "--bootstrap-servers=" + bootstrapServers,
                "--command-config=" + key,
                "--model=" + model(),
                "--prompt-topic=questions",
                "--token-topic=answers",
                "--dead-letter-topic=unread",
                "--format=json",
                "--checkpoint-interval=200ms",
                "--kv-cache-memory-bytes=64MiB");
        return Stream.concat(flags.stream(), Stream.of(more)).toArray(String[]::new);
    }

    /** The answer to the prompt of that id, which is sent to the topic {@code questions}. */
    static String ask(String bootstrapServers, Map<String, String> clientProperties, String id) throws IOException {
        var config = new KafkaConfig(
                bootstrapServers,
                "questions",
                "answers",
                "unread",
                "asking",
                RecordFormat.JSON,
                DeliveryGuarantee.EXACTLY_ONCE,
                false,
                clientProperties);
        try (var topics = new Topics(config);
                var producer = new PromptProducer(config, topics.prepare());
                var reader = new TokenReader(config, IsolationLevel.READ_COMMITTED, TopicReader.Start.EARLIEST)) {
            producer.send(id.getBytes(StandardCharsets.UTF_8), PROMPT.getBytes(StandardCharsets.UTF_8))
                    .join();
            var text = new StringBuilder();
            while (true) {
                for (TokenEvent event : reader.poll(Duration.ofMillis(200))) {
                    if (event.getRequestId().equals(id)) {
                        event.getText().forEach(text::append);
                        if (event.getFinishReason() != null) {
                            return text.toString();
                        }
                    }
                }
            }
        }
    }

    static String model() {
        return Path.of(System.getProperty("millrace.root"), "models", "demo-vl").toString();
    }
}

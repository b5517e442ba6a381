package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.job.demo.TemporaryFolder;
import dev.millrace.job.embedded.EmbeddedKafka;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.job.kafka.Topics;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.IsolationLevel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class RunTest {

    private static final String PROMPT =
            "{\"request_id\": \"r\", \"messages\": [{\"role\": \"user\", \"content\": \"Who are you?\"}], \"temperature\": 0}";

    @TempDir
    Path folder;

    @Test
    @Timeout(120)
    void promptsOfAnotherKafkaAreAnsweredUntilTheCommandIsStopped() throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"), 0)) {
            var exit = new CompletableFuture<Integer>();
            var running = new Thread(() -> exit.complete(run(kafka.bootstrapServers())));
            running.start();

            String answer = ask(KafkaConfig.of(kafka.bootstrapServers())
                    .withTopics("questions", "answers", null)
                    .withFormat(RecordFormat.JSON));

            assertThat(answer).startsWith("I am a tiny demonstration model.");
            assertThat(exit).isNotDone();
            running.interrupt();
            assertThat(exit.join()).isEqualTo(1);
        } finally {
            new TemporaryFolder(Path.of(".millrace")).close();
        }
    }

    @Test
    void aKafkaThatDoesNotAnswerIsNamed() {
        var err = new StringWriter();
        CommandLine line = Main.commandLine().setErr(new PrintWriter(err, true));

        assertThat(line.execute("run", "--bootstrap-servers", "nowhere.invalid:9092", "--model", model()))
                .isEqualTo(1);
        assertThat(err.toString()).startsWith("millrace: ").contains("nowhere.invalid:9092");
    }

    private static int run(String bootstrapServers) {
        return Main.commandLine()
                .execute(
                        "run",
                        "--bootstrap-servers",
                        bootstrapServers,
                        "--model",
                        model(),
                        "--prompt-topic",
                        "questions",
                        "--token-topic",
                        "answers",
                        "--format",
                        "json",
                        "--checkpoint-interval",
                        "200ms",
                        "--kv-cache-memory-bytes",
                        "64MiB");
    }

    private static String ask(KafkaConfig config) throws IOException {
        try (var topics = new Topics(config);
                var producer = new PromptProducer(config, topics.prepare());
                var reader = new TokenReader(config, IsolationLevel.READ_COMMITTED, TokenReader.Start.EARLIEST)) {
            producer.send("r".getBytes(StandardCharsets.UTF_8), PROMPT.getBytes(StandardCharsets.UTF_8))
                    .join();
            var text = new StringBuilder();
            while (true) {
                for (TokenEvent event : reader.poll(Duration.ofMillis(200))) {
                    event.getText().forEach(text::append);
                    if (event.getFinishReason() != null) {
                        return text.toString();
                    }
                }
            }
        }
    }

    private static String model() {
        return Path.of(System.getProperty("millrace.root"), "models", "demo-vl").toString();
    }
}

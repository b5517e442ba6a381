package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.job.cli.Main;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.RecordFormat;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command as a process that others kill. */
class ServeTest {

    private static final int PROMPTS = 4;
    private static final int TOKENS = 900; // of which the first are committed long before the last
    private static final Path MODEL = Path.of(System.getProperty("millrace.root"), "models", "demo-vl");

    @TempDir
    Path folder;

    @Test
    @Timeout(1200)
    void aServerThatWasKilledGoesOnWithWhatItWasGenerating() throws Exception {
        try (ServedProcess killed = serve()) {
            assertThat(secondServer())
                    .contains("--data-dir")
                    .contains("in use by another process (" + killed.pid() + ")");
            KafkaConfig kafka = topics(killed);
            try (CollectedAnswers begun = new CollectedAnswers(kafka)) {
                ask(kafka, "killed");
                begun.awaitEvents(1);
                killed.kill();
            }
        }
        try (ServedProcess next = serve()) {
            assertThat(get(next.fact("API") + "/models")).contains("\"id\":\"" + MODEL + "\"", "\"id\":\"demo-vl\"");
            KafkaConfig kafka = topics(next);
            try (CollectedAnswers answers = new CollectedAnswers(kafka)) {
                answers.awaitEnds(PROMPTS);
                ask(kafka, "calm");
                answers.awaitEnds(2 * PROMPTS);
                answers.drain();

                assertThat(answers.interrupted()).isNotEmpty().allMatch(id -> id.startsWith("killed"));
                assertThat(only("killed", answers.tokens())).isEqualTo(only("calm", answers.tokens()));
                assertThat(next.stop()).as("exit code after SIGTERM").isEqualTo(143);
                assertThat(only("killed", answers.texts())).isEqualTo(only("calm", answers.texts()));
            }
        }
    }

    private ServedProcess serve() throws Exception {
        return ServedProcess.start(folder, arguments());
    }

    private String secondServer() {
        var err = new StringWriter();
        CommandLine line = Main.commandLine().setErr(new PrintWriter(err, true));
        String[] args =
                Stream.concat(Stream.of("serve"), Stream.of(arguments())).toArray(String[]::new);
        assertThat(line.execute(args)).isEqualTo(1);
        return err.toString();
    }

    private String[] arguments() {
        return new String[] {
            MODEL.toString(),
            "--device=cpu",
            "--port=0",
            "--data-dir=" + folder.resolve("my data"),
            "--format=json",
            "--checkpoint-interval=100ms",
            "--max-model-len=1024",
            "--kv-cache-memory-bytes=64MiB"
        };
    }

    private static String get(String url) throws Exception {
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static KafkaConfig topics(ServedProcess server) {
        return KafkaConfig.of(server.bootstrapServers()).withFormat(RecordFormat.JSON);
    }

    private static void ask(KafkaConfig kafka, String name) throws Exception {
        try (PromptProducer producer = new PromptProducer(kafka, LocalStack.prepare(kafka))) {
            for (int i = 0; i < PROMPTS; i++) {
                producer.send(bytes(name + "-" + i), bytes(body(i)));
            }
        }
    }

    /** Every second answer is drawn with a seed, the others are greedy. */
    private static String body(int i) {
        return """
                {"messages": [{"role": "user", "content": "Who are you? Say it %d times."}],
                 "max_tokens": %d, "ignore_eos": true, "temperature": %d, "seed": %d}
                """
                .formatted(i, TOKENS, i % 2, i);
    }

    /** The values of requests of that name, by what follows it. */
    private static <T> Map<String, T> only(String name, Map<String, T> byRequest) {
        return byRequest.entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(name))
                .collect(Collectors.toMap(entry -> entry.getKey().substring(name.length()), Map.Entry::getValue));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

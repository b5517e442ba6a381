package dev.millrace.job.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cpu.CpuExecutorFactory;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(600)
class DemoTest {

    private static final Path MODELS = Path.of(System.getProperty("millrace.root"), "models");
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private static final StringWriter OUT = new StringWriter();

    @TempDir
    static Path folder;

    private static Demo demo;

    @BeforeAll
    static void start() throws IOException {
        Path samples = Files.createDirectory(folder.resolve("samples"));
        Files.copy(MODELS.resolve("samples/two-shapes.png"), samples.resolve("picture.png"));
        demo = Demo.start(
                folder.resolve("data"),
                DemoConfig.of(MODELS.resolve("demo-vl"), samples),
                new CpuExecutorFactory(),
                new PrintWriter(OUT));
    }

    @AfterAll
    static void close() throws IOException {
        demo.close();
    }

    @Test
    void answersComeThroughKafkaAndEndInATable() throws IOException {
        boolean complete = ask(
                "{'request_id': 'see', 'messages': [{'role': 'user', 'content': ["
                        + "{'type': 'image_url', 'image_url': {'url': 'picture.png'}},"
                        + "{'type': 'text', 'text': 'Describe this image.'}]}], 'temperature': 0}",
                "{'request_id': 'say', 'messages': [{'role': 'user', 'content': 'Who are you?'}], 'temperature': 0}");

        assertThat(complete).isTrue();
        assertThat(OUT.toString())
                .contains("> [picture.png] Describe this image.")
                .contains("triangle")
                .contains("I am a tiny demonstration model.")
                .containsPattern("see +\\[picture.png] Describe this image. +\\d+ +\\d+\\.\\d\\d s +[\\d-]+ +stop");
    }

    @Test
    void anAnswerThatFailsIsNamedAndTheOthersGoOn() throws IOException {
        boolean complete = ask(
                "{'request_id': 'missing', 'messages': [{'role': 'user', 'content': ["
                        + "{'type': 'image_url', 'image_url': {'url': 'nowhere.png'}}]}]}",
                "{'request_id': 'fine', 'messages': [{'role': 'user', 'content': 'Who are you?'}], 'max_tokens': 3}");

        assertThat(complete).isFalse();
        assertThat(OUT.toString())
                .containsPattern("missing .*nowhere.png")
                .containsPattern("fine +Who are you.*length");
    }

    @Test
    void theDashboardAnswers() throws Exception {
        URI overview = demo.dashboard().resolve("/jobs/overview");
        HttpResponse<String> answer;
        do { // the job may still begin
            answer = HttpClient.newHttpClient()
                    .send(HttpRequest.newBuilder(overview).build(), HttpResponse.BodyHandlers.ofString());
        } while (!answer.body().contains("\"state\":\"RUNNING\""));

        assertThat(answer.body()).contains("millrace");
    }

    private static boolean ask(String... prompts) throws IOException {
        Path samples = folder.resolve("samples");
        Files.writeString(
                samples.resolve("prompts.jsonl"), String.join("\n", prompts).replace('\'', '"'));
        return demo.ask(SamplePrompt.read(samples), PATIENCE);
    }
}

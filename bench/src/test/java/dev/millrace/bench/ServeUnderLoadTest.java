package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.bench.pictures.ImageSize;
import dev.millrace.bench.pictures.ShapePictures;
import dev.millrace.job.cli.DeviceOptions;
import dev.millrace.job.cli.Main;
import dev.millrace.model.media.MediaSource;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.prompt.PromptInput.Chat;
import dev.millrace.model.prompt.PromptInput.MediaPart;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.prompt.PromptInput.TextPart;
import dev.millrace.model.tokenizer.ChatOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many clients of {@code millrace serve} at a time, each with a picture of its own. */
class ServeUnderLoadTest {

    private static final int CLIENTS = 64;
    private static final int PROMPTS = 4 * CLIENTS;
    private static final int MAX_TOKENS = 48;
    private static final String QUESTION = "Describe this image in detail.";
    private static final Path MODEL = Path.of(System.getProperty("millrace.root"), "models", "demo-vl");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    /** The right answers are the engine's, which it gives without server, Kafka and Flink. */
    @Test
    @Timeout(1200)
    void eachOfSixtyFourClientsGetsTheAnswerToItsOwnPicture() throws Exception {
        List<byte[]> pictures = new ArrayList<>();
        var shapes = new ShapePictures(new Random(0), new ImageSize(84, 84));
        for (int i = 0; i < PROMPTS; i++) {
            pictures.add(shapes.next());
        }
        List<String> answers = answers(pictures);
        assertThat(Set.copyOf(answers)).hasSizeGreaterThan(PROMPTS / 4);

        JsonNode result = load(prompts(pictures), reference(answers));

        assertThat(result.path("errors")).hasSize(PROMPTS).allSatisfy(error -> assertThat(error.asText())
                .isEmpty());
        assertThat(result.path("completed").asInt()).isEqualTo(PROMPTS);
        assertThat(result.path("max_concurrent_requests").asInt()).isEqualTo(CLIENTS);
    }

    private static List<String> answers(List<byte[]> pictures) throws Exception {
        try (var engine = new Answers(MODEL, MAX_TOKENS, new DeviceOptions())) {
            return engine.to(pictures.stream().map(ServeUnderLoadTest::chat).toList());
        }
    }

    private static Chat chat(byte[] picture) {
        var source = new MediaSource(false, null, List.of(picture), false, MediaOptions.DEFAULT);
        var message = new Message("user", List.of(new MediaPart(source), new TextPart(QUESTION)));
        return new Chat(List.of(message), ChatOptions.DEFAULT);
    }

    private Path prompts(List<byte[]> pictures) throws IOException {
        List<String> lines = new ArrayList<>();
        for (byte[] picture : pictures) {
            String url = "data:image/png;base64," + Base64.getEncoder().encodeToString(picture);
            var parts = List.of(
                    Map.of("type", "image_url", "image_url", Map.of("url", url)),
                    Map.of("type", "text", "text", QUESTION));
            lines.add(JSON.writeValueAsString(Map.of("prompt", parts)));
        }
        return Files.write(folder.resolve("prompts.jsonl"), lines);
    }

    private Path reference(List<String> answers) throws IOException {
        Path file = folder.resolve("reference.json");
        JSON.writeValue(file.toFile(), Map.of("generated_texts", answers));
        return file;
    }

    private JsonNode load(Path prompts, Path reference) throws Exception {
        Path result = folder.resolve("result.json");
        try (var server = ServedModel.start(
                MODEL.toString(),
                "--device=cpu",
                "--host=127.0.0.1",
                "--port=0",
                "--data-dir=" + folder.resolve("data"),
                "--kv-cache-memory-bytes=128MiB")) {
            int exit = Main.commandLine()
                    .execute(
                            "bench",
                            "serve",
                            "--base-url=" + server.url(),
                            "--backend=openai-chat",
                            "--dataset-name=custom",
                            "--dataset-path=" + prompts,
                            "--disable-shuffle",
                            "--num-prompts=" + PROMPTS,
                            "--custom-output-len=" + MAX_TOKENS,
                            "--max-concurrency=" + CLIENTS,
                            "--temperature=0",
                            "--reference-result=" + reference,
                            "--save-result",
                            "--save-detailed",
                            "--result-filename=" + result,
                            "--disable-tqdm");
            assertThat(exit).isZero();
        }
        return JSON.readTree(result.toFile());
    }
}

package dev.millrace.bench.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.bench.serve.ScriptedServer.Reply;
import dev.millrace.bench.serve.ScriptedServer.Script;
import dev.millrace.model.directory.ModelDirectory;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DatasetsTest extends ServeRuns {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Reply THREE_WORDS = Reply.completion(11, "a", " b", " c");

    @Test
    void aFilesPromptsAreTextsMessagesOrParts() throws IOException {
        Path file = Files.writeString(
                folder.resolve("questions.jsonl"),
                """
                {"prompt": "one", "output_tokens": 3}
                {"prompt": [{"role": "system", "content": "two"}], "output_tokens": 4}

                {"prompt": [{"type": "text", "text": "three"}], "output_tokens": 5}
                """);
        List<String> asked = new ArrayList<>();
        Script script = call -> {
            assertThat(call.path()).isEqualTo("/v1/chat/completions");
            asked.add(call.body().path("messages") + " " + call.body().path("max_completion_tokens"));
            return Reply.chat(1, "x");
        };

        assertThat(bench(
                        script,
                        "--backend",
                        "openai-chat",
                        "--dataset-name",
                        "custom",
                        "--dataset-path",
                        file,
                        "--custom-output-len",
                        -1,
                        "--num-prompts",
                        6,
                        "--no-oversample",
                        "--disable-shuffle",
                        "--max-concurrency",
                        1))
                .isZero();

        assertThat(asked)
                .containsExactly(
                        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"one\"}]}] 3",
                        "[{\"role\":\"system\",\"content\":\"two\"}] 4",
                        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"three\"}]}] 5");
    }

    @Test
    void aFilesTextsAreSentToCompletionsInTheChatTemplateAsTokens() throws IOException {
        Path file = Files.writeString(folder.resolve("one.jsonl"), "{\"prompt\": \"Who are you?\"}");
        List<JsonNode> prompts = new ArrayList<>();
        Script script = call -> {
            prompts.add(call.body().path("prompt"));
            return THREE_WORDS;
        };
        Object[] flags = {
            "--tokenizer",
            DEMO,
            "--dataset-name",
            "custom",
            "--dataset-path",
            file,
            "--num-prompts",
            2,
            "--skip-chat-template"
        };

        bench(script, flags);
        flags[flags.length - 1] = "--ignore-eos";
        bench(script, flags);

        assertThat(prompts).hasSize(4);
        assertThat(prompts.get(0).asText()).isEqualTo("Who are you?");
        int[] ids = JSON.convertValue(prompts.get(2), int[].class);
        assertThat(new ModelDirectory(DEMO).tokenizer().decode(ids, false))
                .endsWith("<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n");
    }

    @Test
    void randomPicturesHaveTheirBucketsSizes() throws IOException {
        List<JsonNode> media = new ArrayList<>();
        Script script = call -> {
            call.body().path("messages").path(0).path("content").forEach(media::add);
            return Reply.chat(1, "x");
        };

        assertThat(bench(
                        script,
                        "--backend",
                        "openai-chat",
                        "--dataset-name",
                        "random-mm",
                        "--tokenizer",
                        DEMO,
                        "--num-prompts",
                        4,
                        "--random-input-len",
                        5,
                        "--random-mm-base-items-per-request",
                        3,
                        "--random-mm-limit-mm-per-prompt",
                        "{\"image\": 2, \"video\": 1}",
                        "--random-mm-bucket-config",
                        "{(28, 56, 1): 0.5, (32, 16, 3): 1.0, (64, 64, 1): 0}",
                        "--max-concurrency",
                        1))
                .isZero();

        assertThat(media).hasSize(4 * 4);
        assertThat(media)
                .filteredOn(part -> part.path("type").asText().equals("image_url"))
                .hasSize(8)
                .allSatisfy(part -> {
                    BufferedImage picture =
                            picture(part.path("image_url").path("url").asText().split("base64,")[1]);
                    assertThat(picture.getWidth()).isEqualTo(56);
                    assertThat(picture.getHeight()).isEqualTo(28);
                });
        assertThat(media)
                .filteredOn(part -> part.path("type").asText().equals("video_url"))
                .hasSize(4)
                .allSatisfy(part -> {
                    String[] url = part.path("video_url").path("url").asText().split(",");
                    assertThat(url[0]).isEqualTo("data:video/jpeg;base64");
                    assertThat(url).hasSize(1 + 3);
                    assertThat(picture(url[3]).getHeight()).isEqualTo(32);
                });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"question\": 1}|line 1: prompt is missing",
                "{\"prompt\": [1]}|line 1: prompt is [1]",
                "{\"prompt\"|line 1: not JSON",
                "{\"prompt\": \"x\"}|output_tokens is missing",
                "''|holds no prompt",
            })
    void aBadLineIsNamed(String line, String complaint) throws IOException {
        Path file = Files.writeString(folder.resolve("bad.jsonl"), line);

        assertThat(run(
                        "--base-url",
                        "http://127.0.0.1:1",
                        "--model",
                        DEMO,
                        "--backend",
                        "openai-chat",
                        "--dataset-name",
                        "custom",
                        "--custom-output-len",
                        -1,
                        "--dataset-path",
                        file))
                .isEqualTo(1);
        assertThat(err.toString()).contains(complaint);
    }

    private static BufferedImage picture(String base64) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(base64)));
    }
}

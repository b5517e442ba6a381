package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The calls that guides to vLLM and Qwen2.5-VL print, made by curl itself. */
@Timeout(600)
@ExtendWith(LocalStack.Shared.class)
class CurlTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CALL =
            """
            {"model": "demo-vl", "stream": %s, "messages": [
             {"role": "system", "content": "You are a helpful assistant."},
             {"role": "user", "content": [
               {"type": "image_url", "image_url": {"url": "%s"}},
               {"type": "text", "text": "What does the sign say?"}]}]}
            """;

    private static OpenAiServer server;

    @TempDir
    Path folder;

    @BeforeAll
    static void start(LocalStack stack) throws Exception {
        server = new OpenAiServer(stack);
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @Test
    void aPictureIsRead() throws Exception {
        JsonNode answer = JSON.readTree(post(CALL.formatted(false, OpenAiServer.dataUrl("sign.png"))));

        assertThat(answer.at("/choices/0/message/content").asText()).isEqualTo(OpenAiServer.answer("read"));
        assertThat(answer.at("/usage/total_tokens").asInt())
                .isGreaterThan(answer.at("/usage/prompt_tokens").asInt());
    }

    /** From a megabyte on curl asks first whether the server wants the body ({@code Expect: 100-continue}). */
    @Test
    void aLargeBodyIsTaken() throws Exception {
        String padded = CALL.formatted(false, OpenAiServer.dataUrl("sign.png")) + " ".repeat(2 << 20);

        assertThat(JSON.readTree(post(padded)).at("/choices/0/message/content").asText())
                .isEqualTo(OpenAiServer.answer("read"));
    }

    @Test
    void aStreamIsServerSentEventsThatEndWithDone() throws Exception {
        List<String> events = post(CALL.formatted(true, OpenAiServer.dataUrl("sign.png")))
                .lines()
                .filter(line -> !line.isEmpty())
                .toList();

        assertThat(events).allMatch(event -> event.startsWith("data: "));
        assertThat(events.get(events.size() - 1)).isEqualTo("data: [DONE]");
        List<JsonNode> chunks = new ArrayList<>();
        for (String event : events.subList(0, events.size() - 1)) {
            chunks.add(JSON.readTree(event.substring("data: ".length())));
        }
        assertThat(chunks.stream()
                        .map(chunk -> chunk.at("/choices/0/delta/content").asText())
                        .collect(Collectors.joining()))
                .isEqualTo(OpenAiServer.answer("read"));
        assertThat(chunks.get(chunks.size() - 1).at("/choices/0/finish_reason").asText())
                .isEqualTo("stop");
    }

    private String post(String body) throws Exception {
        Path file = Files.writeString(folder.resolve("body.json"), body);
        return curl(
                "--silent",
                "--show-error",
                "--no-buffer",
                "--noproxy",
                "*",
                server.url() + "/chat/completions",
                "--header",
                "Content-Type: application/json",
                "--header",
                "Authorization: Bearer " + OpenAiServer.KEY,
                "--data-binary",
                "@" + file);
    }

    private static String curl(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("curl"));
        command.addAll(List.of(arguments));
        Process process = start(new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT));
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return output;
    }

    private static Process start(ProcessBuilder curl) {
        try {
            return curl.start();
        } catch (IOException e) {
            throw new IllegalStateException(
                    "curl does not start; this test takes it on the PATH (on Debian: apt-get install curl)", e);
        }
    }
}

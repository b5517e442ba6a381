package dev.millrace.job.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A prompt of {@code prompts.jsonl}: an OpenAI chat-completions body whose media URLs may be paths beside that file.
 *
 * @param id its {@code request_id}
 * @param question its text, and the names of its media, for people to read
 * @param body the body with {@code file://} URLs
 */
public record SamplePrompt(String id, String question, String body) {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** @throws InvalidInputException if a line is no such body */
    public static List<SamplePrompt> read(Path folder) throws IOException {
        Path file = folder.resolve("prompts.jsonl");
        List<SamplePrompt> prompts = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            if (!line.isBlank()) {
                prompts.add(parse(line, folder, file + ": line " + (prompts.size() + 1)));
            }
        }
        if (prompts.isEmpty()) {
            throw new InvalidInputException(
                    file + " holds no prompt; one chat-completions body a line is expected", null);
        }
        return prompts;
    }

    private static SamplePrompt parse(String line, Path folder, String where) throws IOException {
        JsonNode body = JSON.readTree(line);
        if (!body.path("request_id").isTextual() || !body.path("messages").isArray()) {
            throw new InvalidInputException(
                    where + " is not a chat-completions body with request_id and messages", null);
        }
        var question = new StringBuilder();
        for (JsonNode message : body.path("messages")) {
            read(message.path("content"), folder, question);
        }
        return new SamplePrompt(
                body.path("request_id").asText(), question.toString().strip(), JSON.writeValueAsString(body));
    }

    /** Gathers what people read, and makes the media's paths absolute. */
    private static void read(JsonNode content, Path folder, StringBuilder question) {
        if (content.isTextual()) {
            question.append(content.asText()).append(' ');
        }
        for (JsonNode part : content) {
            question.append(part.path("text").asText(""));
            for (String kind : List.of("image_url", "video_url")) {
                if (part.path(kind) instanceof ObjectNode media) {
                    String url = media.path("url").asText();
                    question.append('[')
                            .append(url.startsWith("data:") ? "data" : url)
                            .append("] ");
                    media.put(
                            "url",
                            url.contains(":")
                                    ? url
                                    : folder.resolve(url).toUri().toString());
                }
            }
        }
    }
}

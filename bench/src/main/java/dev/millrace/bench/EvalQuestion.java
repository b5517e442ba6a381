package dev.millrace.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.media.MediaSource;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.prompt.PromptInput;
import dev.millrace.model.prompt.PromptInput.MediaPart;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.prompt.PromptInput.Part;
import dev.millrace.model.prompt.PromptInput.TextPart;
import dev.millrace.model.tokenizer.ChatOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A line of {@code eval.jsonl}.
 *
 * @param answer the only right one
 */
record EvalQuestion(String kind, String id, PromptInput.Chat prompt, String answer) {

    private static final ObjectMapper JSON = new ObjectMapper();

    static List<EvalQuestion> read(Path folder) throws IOException {
        List<EvalQuestion> questions = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("eval.jsonl"))) {
            JsonNode json = JSON.readTree(line);
            List<Message> messages = new ArrayList<>();
            for (JsonNode message : json.path("messages")) {
                messages.add(new Message(message.path("role").asText(), parts(message.path("content"), folder)));
            }
            questions.add(new EvalQuestion(
                    json.path("kind").asText(),
                    json.path("request_id").asText(),
                    new PromptInput.Chat(messages, ChatOptions.DEFAULT),
                    json.path("answer").asText()));
        }
        return questions;
    }

    private static List<Part> parts(JsonNode content, Path folder) throws IOException {
        if (content.isTextual()) {
            return List.of(new TextPart(content.asText()));
        }
        List<Part> parts = new ArrayList<>();
        for (JsonNode part : content) {
            parts.add(part(part, folder));
        }
        return parts;
    }

    private static Part part(JsonNode part, Path folder) throws IOException {
        return switch (part.path("type").asText()) {
            case "text" -> new TextPart(part.path("text").asText());
            case "image_url" -> {
                byte[] file = Files.readAllBytes(
                        folder.resolve(part.path("image_url").path("url").asText()));
                yield new MediaPart(new MediaSource(false, null, List.of(file), false, MediaOptions.DEFAULT));
            }
            case "video" -> video(part, folder);
            default -> throw new InvalidInputException(
                    "eval.jsonl: a part's type is " + part.path("type") + "; text, image_url and video are allowed",
                    null);
        };
    }

    private static Part video(JsonNode part, Path folder) throws IOException {
        List<byte[]> frames = new ArrayList<>();
        for (JsonNode frame : part.path("video")) {
            frames.add(Files.readAllBytes(folder.resolve(frame.asText())));
        }
        var options = new MediaOptions(part.path("fps").asDouble(2), null, null, null);
        return new MediaPart(new MediaSource(true, null, frames, true, options));
    }
}

package dev.millrace.model.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.tokenizer.ChatMessage.MediaPart;
import dev.millrace.model.tokenizer.ChatMessage.Part;
import dev.millrace.model.tokenizer.ChatMessage.TextPart;
import java.util.ArrayList;
import java.util.List;

/** Reads a conversation's JSON, as transformers' {@code apply_chat_template} and OpenAI's API have it. */
public final class ChatMessages {

    private ChatMessages() {}

    /**
     * @param messages a list of objects with {@code role} and {@code content}; media are not looked at
     * @throws InvalidInputException if it is not of that form
     */
    public static List<ChatMessage> parse(JsonNode messages) {
        List<ChatMessage> out = new ArrayList<>();
        for (JsonNode message : messages) {
            String role = message.path("role").textValue();
            if (role == null) {
                throw new InvalidInputException("message " + out.size() + " has no role", "messages.role");
            }
            JsonNode content = message.path("content");
            if (content.isTextual()) {
                out.add(ChatMessage.text(role, content.textValue()));
            } else if (content.isArray()) {
                out.add(ChatMessage.parts(role, parts(content)));
            } else {
                throw new InvalidInputException(
                        "content of message " + out.size() + " is neither a text nor a list of parts",
                        "messages.content");
            }
        }
        return out;
    }

    private static List<Part> parts(JsonNode content) {
        List<Part> parts = new ArrayList<>();
        content.forEach(part -> parts.add(part(part)));
        return parts;
    }

    private static Part part(JsonNode part) {
        String type = part.path("type").asText();
        return switch (type) {
            case "text" -> text(part.path("text"));
            case "image", "image_url" -> MediaPart.IMAGE;
            case "video", "video_url" -> MediaPart.VIDEO;
            default -> throw new InvalidInputException(
                    "type of a content part is '" + type + "'; allowed are text, image, image_url, video, video_url",
                    "messages.content.type");
        };
    }

    private static Part text(JsonNode text) {
        if (!text.isTextual()) {
            throw new InvalidInputException("a content part of type 'text' has no text", "messages.content.text");
        }
        return new TextPart(text.textValue());
    }
}

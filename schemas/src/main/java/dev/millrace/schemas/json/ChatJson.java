package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.TextPart;
import java.util.List;
import java.util.Set;

/**
 * Messages of a chat-completions body. Parts are OpenAI's ({@code text}, {@code image_url}, those of its responses and {@code
 * refusal}), vLLM's ({@code video_url}, {@code thinking}) and Qwen's ({@code image}, {@code video}; qwen-vl-utils). A part without
 * a type is told by its fields.
 */
final class ChatJson {

    private static final Set<String> TYPES = Set.of(
            "text",
            "input_text",
            "output_text",
            "refusal",
            "thinking",
            "image_url",
            "input_image",
            "image",
            "video_url",
            "video");

    private final MediaJson media;

    ChatJson(MediaJson media) {
        this.media = media;
    }

    ChatMessage message(JsonNode node, String path) throws MalformedRecordException {
        JsonFields fields = JsonFields.of(node, path);
        for (String name : List.of("tool_calls", "function_call", "audio")) {
            if (fields.has(name) && !fields.node(name).isEmpty()) {
                throw new MalformedRecordException(fields.pathOf(name) + " is not supported", fields.pathOf(name));
            }
        }
        String role = fields.text("role");
        if (role == null) {
            throw new MalformedRecordException(path + ".role is missing", path + ".role");
        }
        return ChatMessage.newBuilder()
                .setRole(role)
                .setContent(content(fields))
                .build();
    }

    private List<Object> content(JsonFields message) throws MalformedRecordException {
        JsonNode content = message.node("content");
        if (content == null) {
            return List.of();
        }
        if (content.isTextual()) {
            return List.of(new TextPart(message.text("content")));
        }
        if (!content.isArray()) {
            throw JsonFields.refused(content, message.pathOf("content"), "a string or an array of parts");
        }
        return message.list("content", this::part);
    }

    private Object part(JsonNode node, String path) throws MalformedRecordException {
        if (node.isTextual()) {
            return new TextPart(JsonFields.text(node, path));
        }
        JsonFields part = JsonFields.of(node, path);
        String type = type(part);
        return switch (type) {
            case "text", "input_text", "output_text" -> new TextPart(required(part, "text"));
            case "refusal", "thinking" -> new TextPart(required(part, type));
            case "image_url", "image" -> media.part(MediaKind.IMAGE, type, part);
            case "input_image" -> media.part(MediaKind.IMAGE, "image_url", part);
            case "video_url", "video" -> media.part(MediaKind.VIDEO, type, part);
            default -> throw new MalformedRecordException(
                    part.pathOf("type") + " must be one of " + allTypes() + ", got \"" + type + "\"",
                    part.pathOf("type"));
        };
    }

    private static String type(JsonFields part) throws MalformedRecordException {
        if (part.has("type")) {
            return part.text("type");
        }
        List<String> given = TYPES.stream().filter(part::has).toList();
        if (given.size() != 1) {
            throw new MalformedRecordException(
                    part.pathOf("type") + " is missing; it must be one of " + allTypes(), part.pathOf("type"));
        }
        return given.get(0);
    }

    private static String required(JsonFields part, String name) throws MalformedRecordException {
        String text = part.text(name);
        if (text == null) {
            throw new MalformedRecordException(part.pathOf(name) + " is missing", part.pathOf(name));
        }
        return text;
    }

    private static String allTypes() {
        return String.join(", ", TYPES.stream().sorted().toList());
    }
}

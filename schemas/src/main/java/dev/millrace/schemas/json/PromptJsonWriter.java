package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TextPart;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Writes a request as the body that {@link PromptJson} reads. */
final class PromptJsonWriter {

    private PromptJsonWriter() {}

    static ObjectNode write(PromptRequest request) throws MalformedRecordException {
        ObjectNode body = Json.MAPPER.createObjectNode();
        boolean chat = request.getMessages() != null;
        if (!request.getRequestId().isEmpty()) {
            body.put("request_id", request.getRequestId());
        }
        if (chat) {
            ArrayNode messages = body.putArray("messages");
            request.getMessages().forEach(message -> write(message, messages.addObject()));
        } else if (request.getPrompt() != null) {
            body.put("prompt", request.getPrompt());
        } else {
            body.set("prompt_token_ids", Json.MAPPER.valueToTree(request.getPromptTokenIds()));
        }
        writeTemplateOptions(request, body);
        SamplingJson.write(request.getSampling(), chat, body);
        writeEnvelope(request, body);
        return body;
    }

    private static void writeTemplateOptions(PromptRequest request, ObjectNode body) throws MalformedRecordException {
        body.put("add_generation_prompt", request.getAddGenerationPrompt());
        body.put("continue_final_message", request.getContinueFinalMessage());
        body.put("add_vision_id", request.getAddVisionId());
        if (request.getChatTemplateKwargs() != null) {
            body.set("chat_template_kwargs", ChatTemplateKwargs.object(request.getChatTemplateKwargs()));
        }
    }

    private static void writeEnvelope(PromptRequest request, ObjectNode body) {
        body.put("model", request.getModel());
        body.put("priority", request.getPriority());
        body.put("reply_to", request.getReplyTo());
        if (request.getCreatedAt() != null) {
            body.put("created_at", request.getCreatedAt().toEpochMilli());
        }
        if (request.getDeadline() != null) {
            body.put("deadline", request.getDeadline().toEpochMilli());
        }
        if (!request.getHeaders().isEmpty()) {
            body.set("headers", Json.MAPPER.valueToTree(request.getHeaders()));
        }
    }

    private static void write(ChatMessage message, ObjectNode node) {
        node.put("role", message.getRole());
        ArrayNode content = node.putArray("content");
        for (Object part : message.getContent()) {
            if (part instanceof TextPart text) {
                content.addObject().put("type", "text").put("text", text.getText());
            } else {
                write((MediaPart) part, content.addObject());
            }
        }
    }

    private static void write(MediaPart media, ObjectNode node) {
        String type = media.getKind() == MediaKind.IMAGE ? "image" : "video";
        node.put("type", type);
        if (media.getFrames().isEmpty()) {
            node.put(type, media.getData() == null ? media.getUrl() : dataUrl(media.getData()));
        } else {
            ArrayNode frames = node.putArray(type);
            media.getFrames().forEach(frame -> frames.add(dataUrl(frame)));
        }
        node.put("fps", media.getFps());
        node.put("num_frames", media.getNumFrames());
        node.put("min_pixels", media.getMinPixels());
        node.put("max_pixels", media.getMaxPixels());
    }

    /** The kind of file is told by its content, so the media type says nothing. */
    private static String dataUrl(ByteBuffer data) {
        ByteBuffer encoded = Base64.getEncoder().encode(data.duplicate());
        return "data:application/octet-stream;base64,"
                + new String(encoded.array(), 0, encoded.limit(), StandardCharsets.ISO_8859_1);
    }
}

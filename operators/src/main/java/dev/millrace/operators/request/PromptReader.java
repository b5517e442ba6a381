package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.media.MediaSource;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.prompt.PromptInput;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.prompt.PromptInput.Part;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.model.tokenizer.TemplateVariables;
import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TextPart;
import dev.millrace.schemas.json.ChatTemplateKwargs;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a request asks, in the model's own types. Nothing is fetched, decoded or tokenised. */
final class PromptReader {

    private PromptReader() {}

    /**
     * @throws InvalidInputException unless exactly one kind of prompt is given, and that one makes sense
     */
    static PromptInput read(PromptRequest request) {
        List<String> given = given(request);
        Require.that(
                given.size() == 1,
                null,
                "exactly one of messages, prompt and prompt_token_ids must be given, got %s.",
                given.isEmpty() ? "none" : String.join(" and ", given));
        if (request.getMessages() != null) {
            return chat(request);
        }
        return request.getPrompt() != null
                ? new PromptInput.Text(request.getPrompt())
                : new PromptInput.Tokens(Ids.toArray(request.getPromptTokenIds()));
    }

    private static List<String> given(PromptRequest request) {
        List<String> given = new ArrayList<>();
        if (request.getMessages() != null) {
            given.add("messages");
        }
        if (request.getPrompt() != null) {
            given.add("prompt");
        }
        if (request.getPromptTokenIds() != null) {
            given.add("prompt_token_ids");
        }
        return given;
    }

    private static PromptInput chat(PromptRequest request) {
        List<ChatMessage> given = request.getMessages();
        Require.that(!given.isEmpty(), "messages", "messages must not be empty.");
        List<Message> messages = new ArrayList<>(given.size());
        for (int i = 0; i < given.size(); i++) {
            messages.add(message(given.get(i), "messages[" + i + "]"));
        }
        return new PromptInput.Chat(messages, chatOptions(request));
    }

    private static ChatOptions chatOptions(PromptRequest request) {
        Map<String, Object> variables = new HashMap<>();
        variables.put("add_vision_id", request.getAddVisionId());
        try {
            variables.putAll(ChatTemplateKwargs.parse(request.getChatTemplateKwargs()));
        } catch (MalformedRecordException e) {
            throw new InvalidInputException(e.getMessage(), e.toEventError().getParam(), e);
        }
        return new ChatOptions(
                request.getAddGenerationPrompt(), request.getContinueFinalMessage(), new TemplateVariables(variables));
    }

    private static Message message(ChatMessage message, String at) {
        List<Part> parts = new ArrayList<>(message.getContent().size());
        for (Object part : message.getContent()) {
            parts.add(part(part, at + ".content[" + parts.size() + "]"));
        }
        return new Message(message.getRole(), parts);
    }

    private static Part part(Object part, String at) {
        return part instanceof TextPart text
                ? new PromptInput.TextPart(text.getText())
                : new PromptInput.MediaPart(source((MediaPart) part, at));
    }

    private static MediaSource source(MediaPart part, String at) {
        boolean video = part.getKind() == MediaKind.VIDEO;
        boolean frames = !part.getFrames().isEmpty();
        int given = (part.getUrl() == null ? 0 : 1) + (part.getData() == null ? 0 : 1) + (frames ? 1 : 0);
        Require.that(given == 1, at, "%s must have exactly one of url, data and frames, got %d of them.", at, given);
        Require.that(video || !frames, at, "%s is an image and cannot have frames; give data or url.", at);
        return new MediaSource(video, part.getUrl(), files(part), frames, options(part));
    }

    private static List<byte[]> files(MediaPart part) {
        if (part.getData() != null) {
            return List.of(bytes(part.getData()));
        }
        return part.getFrames().stream().map(PromptReader::bytes).toList();
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private static MediaOptions options(MediaPart part) {
        return new MediaOptions(part.getFps(), part.getNumFrames(), part.getMinPixels(), part.getMaxPixels());
    }
}

package dev.millrace.gateway.openai;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.tokenizer.ChatMessage;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.model.tokenizer.ChatRenderer;
import dev.millrace.model.tokenizer.TemplateVariables;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TextPart;
import dev.millrace.schemas.json.ChatTemplateKwargs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The tokens of a prompt, as the engine makes them. Serves any number of threads. */
public record PromptIds(Tokenizer tokenizer, ChatRenderer chats) {

    /**
     * Null where the prompt has pictures or videos, which would have to be fetched.
     *
     * @throws InvalidInputException if the chat template cannot render it
     */
    List<Integer> of(PromptRequest request) throws MalformedRecordException {
        if (request.getPromptTokenIds() != null) {
            return request.getPromptTokenIds();
        }
        if (request.getPrompt() != null) {
            return boxed(tokenizer.encode(request.getPrompt()));
        }
        boolean textsOnly = request.getMessages().stream()
                .flatMap(message -> message.getContent().stream())
                .allMatch(TextPart.class::isInstance);
        return textsOnly ? boxed(chat(request)) : null;
    }

    private int[] chat(PromptRequest request) throws MalformedRecordException {
        Map<String, Object> variables = new HashMap<>();
        variables.put("add_vision_id", request.getAddVisionId());
        variables.putAll(ChatTemplateKwargs.parse(request.getChatTemplateKwargs()));
        var options = new ChatOptions(
                request.getAddGenerationPrompt(), request.getContinueFinalMessage(), new TemplateVariables(variables));
        return chats.render(
                        request.getMessages().stream().map(PromptIds::message).toList(), options)
                .ids();
    }

    private static ChatMessage message(dev.millrace.schemas.ChatMessage message) {
        List<ChatMessage.Part> parts = new ArrayList<>();
        for (Object part : message.getContent()) {
            parts.add(new ChatMessage.TextPart(((TextPart) part).getText()));
        }
        return parts.size() == 1
                ? ChatMessage.text(message.getRole(), ((ChatMessage.TextPart) parts.get(0)).text())
                : ChatMessage.parts(message.getRole(), parts);
    }

    private static List<Integer> boxed(int[] ids) {
        return Arrays.stream(ids).boxed().collect(Collectors.toList());
    }
}

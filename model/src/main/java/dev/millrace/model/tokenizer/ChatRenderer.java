package dev.millrace.model.tokenizer;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.tokenizer.ChatMessage.Parts;
import dev.millrace.model.tokenizer.ChatMessage.TextPart;
import dev.millrace.model.tokenizer.RenderedPrompt.Segment;
import dev.millrace.model.tokenizer.RenderedPrompt.SpecialToken;
import dev.millrace.model.tokenizer.RenderedPrompt.TextTokens;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Makes tokens of a conversation: those that the tokenizer gives for the rendered text, but that a special token's text
 * which a user typed stays text. Safe for use by several threads.
 */
public final class ChatRenderer {

    private final DjlTokenizer tokenizer;
    private final ChatTemplate template;
    private final boolean readsParts;

    /** @param template null where the model has none: then every conversation is refused */
    public ChatRenderer(DjlTokenizer tokenizer, ChatTemplate template) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.readsParts = template != null && readsParts(template);
    }

    /**
     * Renders a conversation.
     *
     * @throws InvalidInputException if the model has no chat template, or it cannot render this
     */
    public RenderedPrompt render(List<ChatMessage> messages, ChatOptions options) {
        requireTemplate();
        TypedTextMask mask = new TypedTextMask(tokenizer.added(), messages, options.variables());
        List<ChatMessage> masked = messages.stream()
                .map(message -> readsParts ? message : joinTexts(message))
                .map(message -> message.mapText(mask::apply))
                .toList();
        String rendered = render(masked, options, mask);
        List<Segment> segments = tokenizer.added().split(rendered).stream()
                .map(part -> segment(part, mask))
                .toList();
        return new RenderedPrompt(mask.remove(rendered), segments);
    }

    private String render(List<ChatMessage> masked, ChatOptions options, TypedTextMask mask) {
        TemplateVariables variables = options.variables().mapText(mask::apply);
        if (!options.continueFinalMessage()) {
            return template.render(masked, options.addGenerationPrompt(), variables);
        }
        OpenEnd end = new OpenEnd(masked, mask.tag());
        return end.cut(template.render(end.messages(), false, variables));
    }

    private Segment segment(AddedTokens.Part part, TypedTextMask mask) {
        return part.token() != null
                ? new SpecialToken(part.token().id())
                : new TextTokens(tokenizer.encodeText(mask.remove(part.text())));
    }

    private void requireTemplate() {
        if (template == null) {
            throw new InvalidInputException(
                    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat"
                            + " template if the tokenizer does not define one: add chat_template.jinja to the model's"
                            + " folder, or send a plain prompt or token ids",
                    "messages");
        }
    }

    /** Text models' templates print a content as it is; a list of parts would come out as program text. */
    private static boolean readsParts(ChatTemplate template) {
        String word = "probe";
        var text = List.of(ChatMessage.text("user", word));
        var parts = List.of(ChatMessage.parts("user", List.of(new TextPart(word))));
        try {
            return template.render(text, true, TemplateVariables.NONE)
                    .equals(template.render(parts, true, TemplateVariables.NONE));
        } catch (InvalidInputException e) {
            return false; // it adds a content to a text, say
        }
    }

    /** One text of a message's texts, a line each, as vLLM does it for such templates. */
    private static ChatMessage joinTexts(ChatMessage message) {
        return message.content() instanceof Parts parts
                ? ChatMessage.text(
                        message.role(),
                        parts.parts().stream().map(ChatRenderer::textOf).collect(Collectors.joining("\n")))
                : message;
    }

    private static String textOf(ChatMessage.Part part) {
        if (part instanceof TextPart text) {
            return text.text();
        }
        throw new InvalidInputException("the model's chat template takes texts only", "messages.content.type");
    }
}

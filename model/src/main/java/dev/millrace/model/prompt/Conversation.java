package dev.millrace.model.prompt;

import dev.millrace.model.media.MediaSource;
import dev.millrace.model.prompt.PromptInput.Message;
import dev.millrace.model.prompt.PromptInput.Part;
import dev.millrace.model.prompt.PromptInput.TextPart;
import dev.millrace.model.tokenizer.ChatMessage;
import java.util.ArrayList;
import java.util.List;

/**
 * A conversation taken apart.
 *
 * @param messages its texts, and where media are, for the template
 * @param media its media in order
 * @param characters characters of its roles and texts
 */
record Conversation(List<ChatMessage> messages, List<Attachment> media, long characters) {

    /**
     * A picture or a video in a conversation.
     *
     * @param at its place, for errors
     */
    record Attachment(MediaSource source, String at) {}

    static Conversation of(PromptInput.Chat chat) {
        var messages = new ArrayList<ChatMessage>();
        var media = new ArrayList<Attachment>();
        long characters = 0;
        for (Message message : chat.messages()) {
            var parts = new ArrayList<ChatMessage.Part>();
            characters += message.role().length();
            for (Part part : message.content()) {
                if (part instanceof TextPart text) {
                    characters += text.text().length();
                    parts.add(new ChatMessage.TextPart(text.text()));
                } else {
                    MediaSource source = ((PromptInput.MediaPart) part).source();
                    media.add(
                            new Attachment(source, "messages[" + messages.size() + "].content[" + parts.size() + "]"));
                    parts.add(source.video() ? ChatMessage.MediaPart.VIDEO : ChatMessage.MediaPart.IMAGE);
                }
            }
            messages.add(message(message.role(), parts));
        }
        return new Conversation(messages, media, characters);
    }

    private static ChatMessage message(String role, List<ChatMessage.Part> parts) {
        return parts.size() == 1 && parts.get(0) instanceof ChatMessage.TextPart text
                ? ChatMessage.text(role, text.text())
                : ChatMessage.parts(role, parts);
    }

    long count(boolean video) {
        return media.stream().filter(item -> item.source().video() == video).count();
    }
}

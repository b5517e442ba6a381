package dev.millrace.model.tokenizer;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.tokenizer.ChatMessage.Part;
import dev.millrace.model.tokenizer.ChatMessage.Parts;
import dev.millrace.model.tokenizer.ChatMessage.Text;
import dev.millrace.model.tokenizer.ChatMessage.TextPart;
import java.util.ArrayList;
import java.util.List;

/**
 * Leaves the last message of a conversation open, as transformers does for {@code continue_final_message} ({@code
 * render_jinja_template}): a tag behind its last text shows where to cut what the template rendered.
 */
final class OpenEnd {

    private final String tag;
    private final List<ChatMessage> messages;
    private String text; // the last one

    /** @param tag what no message has in it */
    OpenEnd(List<ChatMessage> messages, String tag) {
        this.tag = tag;
        this.messages = new ArrayList<>(messages);
        if (messages.isEmpty()) {
            throw noText();
        }
        this.messages.add(tagged(this.messages.remove(messages.size() - 1)));
    }

    /** The conversation with the tag, which ends in a space that shows whether the template keeps such. */
    List<ChatMessage> messages() {
        return messages;
    }

    /**
     * What was rendered up to the tag.
     *
     * @throws InvalidInputException if the template left out the last message or a part of it
     */
    String cut(String rendered) {
        int end = rendered.lastIndexOf(tag);
        if (end < 0 || !rendered.contains(text.strip())) {
            throw refused("continue_final_message is set but the final message does not appear in the chat after"
                    + " applying the chat template! This can happen if the chat template deletes portions of the"
                    + " final message. Please verify the chat template and final message in your chat to ensure they"
                    + " are compatible.");
        }
        String open = rendered.substring(0, end).replace(tag + " ", ""); // a template may print a message twice
        return rendered.startsWith(" ", end + tag.length()) ? open : open.stripTrailing();
    }

    private ChatMessage tagged(ChatMessage message) {
        if (message.content() instanceof Text whole) {
            return ChatMessage.text(message.role(), tagged(whole.text()));
        }
        List<Part> parts = new ArrayList<>(((Parts) message.content()).parts());
        for (int i = parts.size() - 1; i >= 0; i--) {
            if (parts.get(i) instanceof TextPart last) {
                requireLast(i, parts.size());
                parts.set(i, new TextPart(tagged(last.text())));
                return ChatMessage.parts(message.role(), parts);
            }
        }
        throw noText();
    }

    private String tagged(String last) {
        text = last;
        return last + tag + " ";
    }

    private static void requireLast(int index, int parts) {
        if (index < parts - 1) {
            throw refused("continue_final_message is set but a picture or video follows the last text of the final"
                    + " message, where the prompt is to end; give media before the text");
        }
    }

    private static InvalidInputException noText() {
        return refused(
                "continue_final_message is set but we could not find any text to continue in the final message!");
    }

    private static InvalidInputException refused(String message) {
        return new InvalidInputException(message, "continue_final_message");
    }
}

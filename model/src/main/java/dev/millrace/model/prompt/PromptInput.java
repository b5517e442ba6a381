package dev.millrace.model.prompt;

import dev.millrace.model.media.MediaSource;
import dev.millrace.model.tokenizer.ChatOptions;
import java.util.List;

/** What a user asks, before the template, the tokenizer and the media were applied. */
public sealed interface PromptInput {

    /** A conversation for the chat template. */
    record Chat(List<Message> messages, ChatOptions options) implements PromptInput {}

    /** A text taken as it is; special tokens in it are recognised. */
    record Text(String text) implements PromptInput {}

    /** Token ids taken as they are. */
    record Tokens(int[] ids) implements PromptInput {}

    /** One message of a conversation. */
    record Message(String role, List<Part> content) {}

    /** A part of a message. */
    sealed interface Part {}

    /** Text; special-token text within it stays text. */
    record TextPart(String text) implements Part {}

    /** A picture or a video. */
    record MediaPart(MediaSource source) implements Part {}
}

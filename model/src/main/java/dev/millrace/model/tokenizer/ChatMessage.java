package dev.millrace.model.tokenizer;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * A message of a conversation, as the chat template sees it.
 *
 * @param role {@code system}, {@code user}, {@code assistant} or any other word, which the template prints
 */
public record ChatMessage(String role, Content content) {

    public static ChatMessage text(String role, String text) {
        return new ChatMessage(role, new Text(text));
    }

    public static ChatMessage parts(String role, List<Part> parts) {
        return new ChatMessage(role, new Parts(List.copyOf(parts)));
    }

    ChatMessage mapText(UnaryOperator<String> change) {
        return new ChatMessage(change.apply(role), content.mapText(change));
    }

    Map<String, Object> toTemplate() {
        return Map.of("role", role, "content", content.toTemplate());
    }

    /** What a message says: templates tell one text from a list of parts. */
    public sealed interface Content {

        /** The value that templates are written for. */
        Object toTemplate();

        /** The same with other texts. */
        Content mapText(UnaryOperator<String> change);
    }

    /** One text. */
    public record Text(String text) implements Content {

        @Override
        public Object toTemplate() {
            return text;
        }

        @Override
        public Content mapText(UnaryOperator<String> change) {
            return new Text(change.apply(text));
        }
    }

    /** Texts, pictures and videos in order. */
    public record Parts(List<Part> parts) implements Content {

        @Override
        public Object toTemplate() {
            return parts.stream().map(Part::toTemplate).toList();
        }

        @Override
        public Content mapText(UnaryOperator<String> change) {
            return new Parts(parts.stream().map(part -> part.mapText(change)).toList());
        }
    }

    /** One of several parts. */
    public sealed interface Part {

        /** The value that templates are written for. */
        Map<String, String> toTemplate();

        /** The same with another text. */
        Part mapText(UnaryOperator<String> change);
    }

    /** A text. */
    public record TextPart(String text) implements Part {

        @Override
        public Map<String, String> toTemplate() {
            return Map.of("type", "text", "text", text);
        }

        @Override
        public Part mapText(UnaryOperator<String> change) {
            return new TextPart(change.apply(text));
        }
    }

    /** A picture or a video, for which the template writes a placeholder. */
    public enum MediaPart implements Part {
        IMAGE,
        VIDEO;

        @Override
        public Map<String, String> toTemplate() {
            return Map.of("type", name().toLowerCase(Locale.ROOT));
        }

        @Override
        public Part mapText(UnaryOperator<String> change) {
            return this;
        }
    }
}

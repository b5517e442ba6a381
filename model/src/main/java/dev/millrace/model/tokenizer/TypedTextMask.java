package dev.millrace.model.tokenizer;

import dev.millrace.model.InvalidInputException;
import java.util.BitSet;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Keeps what users typed from being read as special tokens: a mark goes behind every character with which one may begin,
 * so no special token's text is left, not even across parts of a message. The mark is a private-use character that
 * none of the texts has; removing it gives the texts back.
 */
final class TypedTextMask {

    private static final char FIRST = '\uE000';
    private static final int COUNT = 0x1900;

    private final AddedTokens added;
    private final String mark;

    TypedTextMask(AddedTokens added, List<ChatMessage> messages, TemplateVariables variables) {
        this.added = added;
        BitSet used = new BitSet(COUNT);
        UnaryOperator<String> note = text -> {
            text.chars().filter(c -> c >= FIRST && c < FIRST + COUNT).forEach(c -> used.set(c - FIRST));
            return text;
        };
        messages.forEach(message -> message.mapText(note));
        variables.mapText(note);
        int free = used.nextClearBit(0);
        if (free >= COUNT) {
            throw new InvalidInputException(
                    "the messages use all " + COUNT
                            + " private-use characters from U+E000 to U+F8FF; one has to be free",
                    "messages");
        }
        this.mark = String.valueOf((char) (FIRST + free));
    }

    String apply(String typed) {
        StringBuilder masked = new StringBuilder(typed.length());
        for (int i = 0; i < typed.length(); i++) {
            masked.append(typed.charAt(i));
            if (added.mayBegin(typed.charAt(i))) {
                masked.append(mark);
            }
        }
        return masked.toString();
    }

    /** A text that is in no masked text; removing takes it away. */
    String tag() {
        return mark + mark;
    }

    String remove(String masked) {
        return masked.replace(mark, "");
    }
}

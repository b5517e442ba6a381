package dev.millrace.model.tokenizer;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Cuts a text at its added tokens: the leftmost first, and of those that begin at one place the longest. */
final class AddedTokens {

    /** A part of a text: an added token, or what stands between two of them, where {@code token} is null. */
    record Part(String text, AddedToken token) {}

    private final Map<String, AddedToken> byContent = new HashMap<>();
    private final BitSet firstCharacters = new BitSet();
    private final Pattern pattern; // null where there is no token

    AddedTokens(List<AddedToken> tokens) {
        for (AddedToken token : tokens) {
            byContent.put(token.content(), token);
            firstCharacters.set(token.content().charAt(0));
        }
        String alternatives = tokens.stream()
                .map(AddedToken::content)
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(Collectors.joining("|"));
        this.pattern = alternatives.isEmpty() ? null : Pattern.compile(alternatives);
    }

    /** The token of that text, or null. */
    AddedToken find(String content) {
        return byContent.get(content);
    }

    /** Whether an added token may begin with this character. */
    boolean mayBegin(char c) {
        return firstCharacters.get(c);
    }

    List<Part> split(String text) {
        List<Part> parts = new ArrayList<>();
        int from = 0;
        if (pattern != null) {
            for (Matcher matcher = pattern.matcher(text); matcher.find(); from = matcher.end()) {
                addText(parts, text, from, matcher.start());
                parts.add(new Part(matcher.group(), byContent.get(matcher.group())));
            }
        }
        addText(parts, text, from, text.length());
        return parts;
    }

    private static void addText(List<Part> parts, String text, int from, int to) {
        if (from < to) {
            parts.add(new Part(text.substring(from, to), null));
        }
    }
}

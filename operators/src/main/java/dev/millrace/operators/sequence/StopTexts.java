package dev.millrace.operators.sequence;

import java.util.List;

/** Finds the texts that end an answer, also across the borders of tokens. */
final class StopTexts {

    private final List<String> texts;
    private final int longest;

    StopTexts(List<String> texts) {
        this.texts = texts;
        this.longest = texts.stream().mapToInt(String::length).max().orElse(0);
    }

    /** Characters at the end of a text that may be the beginning of a stop text. */
    int holdBack() {
        return Math.max(0, longest - 1);
    }

    /**
     * The stop text that is complete first after {@code from}, of two the first given; null if there is none. So it does not hang
     * on how the text came in tokens.
     */
    Match find(StringBuilder answer, int from) {
        Match best = null;
        for (String text : texts) {
            int start = answer.indexOf(text, Math.max(0, from - text.length() + 1));
            if (start >= 0 && (best == null || start + text.length() < best.end())) {
                best = new Match(text, start);
            }
        }
        return best;
    }

    /** A stop text and where it starts in the answer. */
    record Match(String text, int start) {
        int end() {
            return start + text.length();
        }
    }
}

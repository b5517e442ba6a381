package dev.millrace.operators.sequence;

import dev.millrace.operators.kvcache.IntList;
import java.util.List;

/** Token sequences that may not be completed: their last token is banned where the answer ends with the others. */
final class BadWords {

    private final List<int[]> words;

    BadWords(List<int[]> words) {
        this.words = words;
    }

    boolean isEmpty() {
        return words.isEmpty();
    }

    /**
     * Adds the tokens that may not come next.
     *
     * @param tokens prompt and answer
     * @param promptLength where the answer starts; a word that began in the prompt is not looked for
     */
    void ban(IntList tokens, int promptLength, IntList banned) {
        for (int[] word : words) {
            if (endsWith(tokens, promptLength, word, word.length - 1)) {
                banned.add(word[word.length - 1]);
            }
        }
    }

    private static boolean endsWith(IntList tokens, int promptLength, int[] word, int length) {
        int start = tokens.size() - length;
        if (start < promptLength) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (tokens.get(start + i) != word[i]) {
                return false;
            }
        }
        return true;
    }
}

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

    /** Adds the tokens that may not come next in an answer. */
    void ban(IntList output, IntList banned) {
        for (int[] word : words) {
            if (endsWith(output, word, word.length - 1)) {
                banned.add(word[word.length - 1]);
            }
        }
    }

    private static boolean endsWith(IntList output, int[] word, int length) {
        int start = output.size() - length;
        if (start < 0) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (output.get(start + i) != word[i]) {
                return false;
            }
        }
        return true;
    }
}

package dev.millrace.model.grammar;

import java.util.Arrays;

/** A growing set of tokens: a list while it is short, bits once these take less. */
final class TokenSet {

    private final int words;
    private int[] list = new int[16];
    private int size;
    private int[] bits;

    TokenSet(int vocabSize) {
        this.words = (vocabSize + 31) / 32;
    }

    /** Adds a token, once. */
    void add(int token) {
        if (bits != null) {
            bits[token >>> 5] |= 1 << token;
            return;
        }
        if (size == list.length) {
            list = Arrays.copyOf(list, 2 * size);
        }
        list[size++] = token;
        if (size >= words) {
            bits = new int[words];
            addTo(bits);
            list = new int[0];
        }
    }

    void addTo(int[] mask) {
        if (bits != null && bits != mask) {
            for (int i = 0; i < words; i++) {
                mask[i] |= bits[i];
            }
            return;
        }
        for (int i = 0; i < size; i++) {
            mask[list[i] >>> 5] |= 1 << list[i];
        }
    }

    /** Integers that it holds in memory. */
    int ints() {
        return list.length + (bits == null ? 0 : words);
    }
}

package dev.millrace.model.grammar;

import java.util.Arrays;

/** A growing set of tokens: a list while it is short, bits once these take less. */
final class TokenSet {

    private static final int[] NONE = {};

    private final int words;
    private int[] list = new int[16];
    private int size;
    private int[] bits;

    TokenSet(int vocabSize) {
        this.words = (vocabSize + 31) / 32;
    }

    void add(int token) {
        if (bits != null) {
            set(bits, token);
            return;
        }
        if (size == list.length) {
            list = Arrays.copyOf(list, 2 * size);
        }
        list[size++] = token;
        if (size >= words) {
            int[] made = new int[words];
            addTo(made);
            bits = made;
            list = NONE;
            size = 0;
        }
    }

    /** Sets the tokens' bits. */
    void addTo(int[] mask) {
        for (int i = 0; bits != null && i < words; i++) {
            mask[i] |= bits[i];
        }
        for (int i = 0; i < size; i++) {
            set(mask, list[i]);
        }
    }

    private static void set(int[] mask, int token) {
        mask[token >>> 5] |= 1 << token;
    }

    /** Integers that it holds in memory. */
    int ints() {
        return list.length + (bits == null ? 0 : words);
    }
}

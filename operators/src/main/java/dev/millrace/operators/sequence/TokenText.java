package dev.millrace.operators.sequence;

import dev.millrace.model.tokenizer.Tokenizer;
import java.util.Arrays;

/**
 * Text of tokens that come one by one: each token is decoded after the ones just before it, since its text may depend on
 * them, and held until it completes a character (vLLM {@code detokenize_incrementally}).
 */
final class TokenText {

    private static final char REPLACEMENT = '\uFFFD';

    private final Tokenizer tokenizer;
    private final boolean skipSpecialTokens;
    private int[] window = {};
    private int shown;

    TokenText(Tokenizer tokenizer, boolean skipSpecialTokens) {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
    }

    String append(int token) {
        window = Arrays.copyOf(window, window.length + 1);
        window[window.length - 1] = token;
        String before = tokenizer.decode(Arrays.copyOf(window, shown), skipSpecialTokens);
        String all = tokenizer.decode(window, skipSpecialTokens);
        if (all.length() <= before.length() || all.charAt(all.length() - 1) == REPLACEMENT) {
            return "";
        }
        window = Arrays.copyOfRange(window, shown, window.length);
        shown = window.length;
        return all.substring(before.length());
    }
}

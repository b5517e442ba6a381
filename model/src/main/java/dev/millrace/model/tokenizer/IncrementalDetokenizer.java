package dev.millrace.model.tokenizer;

/**
 * Text of one answer whose tokens come one by one. A piece never ends within a character: bytes wait until their character
 * is complete or cannot be any more, so at most three wait. The pieces joined, with what {@link #flush} gives, are what
 * {@link Tokenizer#decode} makes of all tokens. A token costs the same however long the answer is. For one thread.
 */
public final class IncrementalDetokenizer {

    private final Tokenizer tokenizer;
    private final boolean skipSpecialTokens;
    private final LossyUtf8 utf8 = new LossyUtf8();

    public IncrementalDetokenizer(Tokenizer tokenizer, boolean skipSpecialTokens) {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
    }

    /** The text that this token completes, often empty. */
    public String append(int id) {
        StringBuilder piece = new StringBuilder();
        append(id, piece);
        return piece.toString();
    }

    /** Adds the text that this token completes to {@code text}. */
    public void append(int id, StringBuilder text) {
        if (!skipSpecialTokens || !tokenizer.isSpecial(id)) {
            utf8.append(tokenizer.tokenBytes(id), text);
        }
    }

    /** At the end of the answer: U+FFFD if a character was left incomplete, else nothing. */
    public String flush() {
        StringBuilder piece = new StringBuilder();
        utf8.finish(piece);
        return piece.toString();
    }
}

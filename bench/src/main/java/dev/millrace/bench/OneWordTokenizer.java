package dev.millrace.bench;

import dev.millrace.model.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;

/** Gives every token the same word, for models without a tokenizer and measurements without one; reads no text. */
final class OneWordTokenizer implements Tokenizer {

    private static final String WORD = " word";
    private static final byte[] BYTES = WORD.getBytes(StandardCharsets.UTF_8);

    private final int vocabSize;

    OneWordTokenizer(int vocabSize) {
        this.vocabSize = vocabSize;
    }

    @Override
    public int[] encode(String text) {
        throw new UnsupportedOperationException("prompts are token ids here");
    }

    @Override
    public int[] encodeText(String text) {
        return encode(text);
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        return WORD.repeat(ids.length);
    }

    @Override
    public byte[] tokenBytes(int id) {
        return BYTES;
    }

    @Override
    public int specialTokenId(String token) {
        return -1;
    }

    @Override
    public boolean isSpecial(int id) {
        return false;
    }

    @Override
    public int vocabSize() {
        return vocabSize;
    }
}

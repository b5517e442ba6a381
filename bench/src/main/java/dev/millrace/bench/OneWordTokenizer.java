package dev.millrace.bench;

import dev.millrace.model.tokenizer.Tokenizer;

/** Stands in where a model's folder has no tokenizer: ids in, ids out, no text. */
final class NoTokenizer implements Tokenizer {

    private final int vocabSize;

    NoTokenizer(int vocabSize) {
        this.vocabSize = vocabSize;
    }

    @Override
    public int[] encode(String text) {
        throw new UnsupportedOperationException("the model's folder has no tokenizer.json");
    }

    @Override
    public int[] encodeText(String text) {
        return encode(text);
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        return "";
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

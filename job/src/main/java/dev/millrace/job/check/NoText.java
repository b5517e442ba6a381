package dev.millrace.job.check;

import dev.millrace.model.tokenizer.Tokenizer;

/** For a model of which only token ids are looked at: no token has a text. */
final class NoText implements Tokenizer {

    @Override
    public int[] encode(String text) {
        return new int[0];
    }

    @Override
    public int[] encodeText(String text) {
        return new int[0];
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
        return 0;
    }
}

package dev.millrace.operators.engine;

import dev.millrace.model.tokenizer.Tokenizer;

/** A vocabulary of one or two letters a token, so that texts cross the borders of tokens. */
final class LetterTokenizer implements Tokenizer {

    @Override
    public int[] encode(String text) {
        return encodeText(text);
    }

    @Override
    public int[] encodeText(String text) {
        return text.chars().map(c -> c - 'a').toArray();
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append((char) ('a' + id % 6));
            if (id % 3 == 0) {
                text.append((char) ('a' + id % 5));
            }
        }
        return text.toString();
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
        return RememberingExecutor.VOCABULARY;
    }
}

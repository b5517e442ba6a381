package dev.millrace.operators.request;

import dev.millrace.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** One token a word, its leading space included; {@code -} splits a word without being a space. */
final class WordTokenizer implements Tokenizer {

    private static final Pattern WORD = Pattern.compile(" ?[^ -]+-?");

    private final List<String> words = new ArrayList<>();

    @Override
    public int[] encode(String text) {
        return WORD.matcher(text).results().mapToInt(word -> id(word.group())).toArray();
    }

    private int id(String word) {
        if (!words.contains(word)) {
            words.add(word);
        }
        return words.indexOf(word);
    }

    @Override
    public int[] encodeText(String text) {
        return encode(text);
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        var text = new StringBuilder();
        for (int id : ids) {
            text.append(words.get(id));
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
        return words.size();
    }
}

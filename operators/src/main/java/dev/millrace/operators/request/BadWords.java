package dev.millrace.operators.request;

import dev.millrace.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The token sequences that spell words which may not be generated, at the start of a text and after a space, found as
 * vLLM finds them ({@code SamplingParams.update_from_tokenizer}).
 *
 * @param single tokens that are such a word alone
 * @param longer sequences of two and more tokens
 */
record BadWords(int[] single, List<int[]> longer) {

    /** Most words in a request; each costs time in every step. */
    static final int MAX_WORDS = 1_000;

    static BadWords of(List<String> words, Tokenizer tokenizer) {
        Require.that(
                words.size() <= MAX_WORDS,
                "bad_words",
                "bad_words must have at most %d entries, got %d.",
                MAX_WORDS,
                words.size());
        List<int[]> sequences = new ArrayList<>();
        for (String word : new LinkedHashSet<>(words)) {
            Require.that(!word.isEmpty(), "bad_words", "bad_words cannot contain an empty string.");
            addSpellings(word.stripLeading(), tokenizer, sequences);
        }
        return new BadWords(
                sequences.stream()
                        .filter(ids -> ids.length == 1)
                        .mapToInt(ids -> ids[0])
                        .distinct()
                        .toArray(),
                sequences.stream().filter(ids -> ids.length > 1).toList());
    }

    private static void addSpellings(String word, Tokenizer tokenizer, List<int[]> sequences) {
        int[] plain = tokenizer.encode(word);
        Require.that(plain.length > 0, "bad_words", "bad_words entries must tokenize to at least one token.");
        sequences.add(plain);
        int[] spaced = tokenizer.encode(" " + word);
        if (spaced.length == plain.length && spaced[0] != plain[0]) {
            sequences.add(spaced);
        }
    }
}

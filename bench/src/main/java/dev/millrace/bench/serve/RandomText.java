package dev.millrace.bench.serve;

import dev.millrace.model.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Makes texts of random tokens. */
final class RandomText {

    private static final int TRIES = 10;

    private final Tokenizer tokenizer;
    private final RandomGenerator random;
    private final int[] vocabulary; // without special tokens

    RandomText(Tokenizer tokenizer, RandomGenerator random) {
        this.tokenizer = tokenizer;
        this.random = random;
        this.vocabulary = IntStream.range(0, tokenizer.vocabSize())
                .filter(id -> !tokenizer.isSpecial(id))
                .toArray();
    }

    int[] tokens(int count) {
        return random.ints(count, 0, vocabulary.length).map(i -> vocabulary[i]).toArray();
    }

    /**
     * A text of a beginning and so many tokens more. Tokens written out may be read as others, so the text is read again, cut or
     * made longer, a few times.
     */
    Text text(int[] prefix, int count) {
        int target = prefix.length + count;
        int[] ids = joined(prefix, tokens(count));
        String text = tokenizer.decode(ids, false);
        int[] read = tokenizer.encodeText(text);
        for (int i = 0; i < TRIES && read.length != target; i++) {
            ids = read.length > target ? Arrays.copyOf(read, target) : joined(read, tokens(target - read.length));
            text = tokenizer.decode(ids, false);
            read = tokenizer.encodeText(text);
        }
        return new Text(text, read.length);
    }

    private static int[] joined(int[] first, int[] second) {
        return IntStream.concat(Arrays.stream(first), Arrays.stream(second)).toArray();
    }

    /**
     * A text.
     *
     * @param length tokens that it is read as
     */
    record Text(String text, int length) {}
}

package dev.millrace.model.grammar;

import dev.millrace.model.tokenizer.DjlTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntPredicate;

/** Tokenizers, and answers drawn through masks. */
final class Vocabularies {

    static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    static final DjlTokenizer DEMO = DjlTokenizer.open(ROOT.resolve("models/demo-vl/tokenizer.json"));
    static final int DEMO_SIZE = 1024;
    static final int END = DEMO.specialTokenId("<|im_end|>");

    private static final int TOO_LONG = 400;

    private Vocabularies() {}

    static GrammarCompiler demo() {
        return new GrammarCompiler(DEMO, DEMO_SIZE);
    }

    /** An answer of random tokens that the masks allow, or null where it became long. */
    static String sample(Grammar grammar, Random random) {
        GrammarState state = grammar.start(new int[] {END});
        int[] tokens = new int[TOO_LONG];
        for (int i = 0; i < TOO_LONG; i++) {
            int token = draw(state.mask(), random, i > 60 ? END : -1);
            if (token == END) {
                return DEMO.decode(Arrays.copyOf(tokens, i), false);
            }
            tokens[i] = token;
            state = state.after(token);
        }
        return null;
    }

    private static int draw(int[] mask, Random random, int preferred) {
        if (preferred >= 0 && isSet(mask, preferred)) {
            return preferred;
        }
        int count = 0;
        for (int word : mask) {
            count += Integer.bitCount(word);
        }
        int skip = random.nextInt(count);
        for (int token = 0; ; token++) {
            if (isSet(mask, token) && skip-- == 0) {
                return token;
            }
        }
    }

    static boolean isSet(int[] mask, int token) {
        return (mask[token >>> 5] >>> token & 1) != 0;
    }

    /** Whether every token of a text may come in its turn, and the text may end there. */
    static boolean allows(Grammar grammar, String text) {
        GrammarState state = grammar.start(new int[] {END});
        for (int token : DEMO.encodeText(text)) {
            if (!isSet(state.mask(), token)) {
                return false;
            }
            state = state.after(token);
        }
        return isSet(state.mask(), END);
    }

    static int count(int size, IntPredicate predicate) {
        int count = 0;
        for (int i = 0; i < size; i++) {
            count += predicate.test(i) ? 1 : 0;
        }
        return count;
    }
}

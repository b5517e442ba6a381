package dev.millrace.model.tokenizer;

import java.util.Random;

/** Ids as no model would give them: mostly parts of characters, with special and unknown ones between. */
final class RandomIds {

    private RandomIds() {}

    static int[] next(Random random, Tokenizer tokenizer) {
        int[] ids = new int[random.nextInt(40)];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = switch (random.nextInt(4)) {
                case 0 -> random.nextInt(256); // in byte-level vocabularies the single bytes come first
                case 1 -> 94 + random.nextInt(162); // and of them the ones beyond ASCII last
                case 2 -> tokenizer.vocabSize() - 1 - random.nextInt(30);
                default -> random.nextInt(tokenizer.vocabSize() + 100);
            };
        }
        return ids;
    }
}

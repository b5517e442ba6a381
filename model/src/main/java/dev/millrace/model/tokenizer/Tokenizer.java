package dev.millrace.model.tokenizer;

import java.nio.charset.StandardCharsets;

/** Text to token ids and back. Safe for use by several threads. */
public interface Tokenizer {

    /** Ids of a text in which special tokens are recognised, as a template renders it; no token is added or cut. */
    int[] encode(String text);

    /** Ids of a text in which nothing is special: {@code <|im_end|>} becomes the pieces of those characters. */
    int[] encodeText(String text);

    /** Text of the ids; ids that the tokenizer does not know (a padded vocabulary's tail) give nothing. */
    String decode(int[] ids, boolean skipSpecialTokens);

    /** The UTF-8 bytes that a token stands for, which may be part of a character; none where the tokenizer does not know it. */
    default byte[] tokenBytes(int id) {
        return decode(new int[] {id}, false).getBytes(StandardCharsets.UTF_8);
    }

    /** The token as a byte-level vocabulary writes it ({@code Ġthe} for " the"); a special token's text. */
    default String tokenString(int id) {
        return isSpecial(id) ? decode(new int[] {id}, false) : ByteAlphabet.text(tokenBytes(id));
    }

    /** The id of a special token's text, or −1. */
    int specialTokenId(String token);

    boolean isSpecial(int id);

    /** Ids that stand for text; larger ids are padding of the embedding table. */
    int vocabSize();
}

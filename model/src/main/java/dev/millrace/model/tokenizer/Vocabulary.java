package dev.millrace.model.tokenizer;

import dev.millrace.model.checkpoint.JsonObject;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/** Every id of a byte-level {@code tokenizer.json}, with the bytes that it stands for. */
final class Vocabulary {

    static final int MAX_ID = (1 << 24) - 1;

    private static final byte[] NOTHING = {};

    private final BitSet special = new BitSet();
    private byte[][] bytes = {};
    private int size;

    Vocabulary(JsonObject tokenizer, List<AddedToken> added) {
        requireByteLevel(tokenizer);
        JsonObject vocab = tokenizer.object("model").object("vocab");
        for (String token : vocab.fields()) {
            put(vocab.integer(token, 0, MAX_ID), token);
        }
        for (AddedToken token : added) {
            put(token.id(), token.content());
            special.set(token.id(), token.special());
        }
    }

    /** Ids from 0 on, gaps included. */
    int size() {
        return size;
    }

    boolean isSpecial(int id) {
        return id >= 0 && special.get(id);
    }

    /** Empty for an id that there is not. */
    byte[] bytes(int id) {
        return id >= 0 && id < size && bytes[id] != null ? bytes[id] : NOTHING;
    }

    private void put(int id, String token) {
        if (id >= bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(id + 1, 2 * bytes.length));
        }
        bytes[id] = ByteAlphabet.bytes(token);
        size = Math.max(size, id + 1);
    }

    private static void requireByteLevel(JsonObject tokenizer) {
        String model = tokenizer.object("model").text("type");
        String decoder = tokenizer.object("decoder").text("type");
        if (!model.equals("BPE") || !decoder.equals("ByteLevel")) {
            throw tokenizer.error("the model is '" + model + "' with decoder '" + decoder
                    + "'; supported is 'BPE' with 'ByteLevel', as Qwen2.5 has them");
        }
    }
}

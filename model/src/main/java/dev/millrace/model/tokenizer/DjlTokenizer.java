package dev.millrace.model.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The tokenizer of a {@code tokenizer.json}. Hugging Face's native library cuts and merges text; added tokens are found
 * here, so that the caller decides where text may hold any, and ids become text here, a table look-up each.
 */
public final class DjlTokenizer implements Tokenizer {

    static {
        // Beside a CUDA runtime DJL would try to download a library, and on a cloud host report its use.
        if (System.getProperty("ai.djl.offline") == null) {
            System.setProperty("ai.djl.offline", "true");
        }
    }

    private final AddedTokens added;
    private final Vocabulary vocabulary;
    private final HuggingFaceTokenizer pieces; // knows no added token

    private DjlTokenizer(AddedTokens added, Vocabulary vocabulary, HuggingFaceTokenizer pieces) {
        this.added = added;
        this.vocabulary = vocabulary;
        this.pieces = pieces;
    }

    /**
     * Loads a tokenizer.
     *
     * @param file a {@code tokenizer.json}
     * @throws CheckpointException if it cannot be read or is of a kind that Qwen2.5 does not use
     */
    public static DjlTokenizer open(Path file) {
        JsonObject json = JsonObject.read(file);
        var tokens = AddedToken.read(json);
        var vocabulary = new Vocabulary(json, tokens);
        return new DjlTokenizer(new AddedTokens(tokens), vocabulary, pieces(json));
    }

    private static HuggingFaceTokenizer pieces(JsonObject json) {
        String plain = json.without("added_tokens", "truncation", "padding").toString();
        var options = Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");
        try {
            return HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(plain.getBytes(StandardCharsets.UTF_8)), options);
        } catch (IOException | RuntimeException e) {
            CheckpointException failure = json.error("not usable as a tokenizer: " + e.getMessage());
            failure.initCause(e);
            throw failure;
        }
    }

    @Override
    public int[] encode(String text) {
        return added.split(text).stream().flatMapToInt(this::encode).toArray();
    }

    private IntStream encode(AddedTokens.Part part) {
        return part.token() != null ? IntStream.of(part.token().id()) : IntStream.of(encodeText(part.text()));
    }

    @Override
    public int[] encodeText(String text) {
        if (text.isEmpty()) {
            return new int[0];
        }
        return LongStream.of(pieceIds(wellFormed(text)))
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    /** Ids alone: the wrapper's own {@code encode} would also copy every piece's text and place into the heap. */
    private long[] pieceIds(String text) {
        long encoding = TokenizersLibrary.LIB.encode(pieces.getHandle(), text, false);
        try {
            return TokenizersLibrary.LIB.getTokenIds(encoding);
        } finally {
            TokenizersLibrary.LIB.deleteEncoding(encoding);
        }
    }

    /** Half a surrogate pair cannot be written as UTF-8; U+FFFD stands for it. */
    private static String wellFormed(String text) {
        if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            return text;
        }
        return text.codePoints()
                .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xfffd : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        LossyUtf8 utf8 = new LossyUtf8();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            if (!skipSpecialTokens || !isSpecial(id)) {
                utf8.append(tokenBytes(id), text);
            }
        }
        utf8.finish(text);
        return text.toString();
    }

    /** Not to be changed: it is the table's own array. */
    @Override
    public byte[] tokenBytes(int id) {
        return vocabulary.bytes(id);
    }

    @Override
    public int specialTokenId(String token) {
        AddedToken found = added.find(token);
        return found == null ? -1 : found.id();
    }

    @Override
    public boolean isSpecial(int id) {
        return vocabulary.isSpecial(id);
    }

    @Override
    public int vocabSize() {
        return vocabulary.size();
    }

    AddedTokens added() {
        return added;
    }
}

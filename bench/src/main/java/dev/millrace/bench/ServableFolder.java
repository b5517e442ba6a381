package dev.millrace.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.model.config.ModelConfigReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * A model's folder as the job needs it. One without a tokenizer, such as a configuration alone whose weights are random, is
 * given one that has a word of its own for every id.
 */
final class ServableFolder {

    private static final String TOKENIZER = "tokenizer.json";
    private static final int LETTERS = 26;
    private static final String SPACE = "\u0120"; // stands for a space in a byte-level vocabulary

    private ServableFolder() {}

    /**
     * The folder itself, or one of links to what it holds.
     *
     * @param empty where the links go if there must be some
     */
    static Path of(Path model, Path empty) throws IOException {
        if (Files.exists(model.resolve(TOKENIZER))) {
            return model;
        }
        Path folder = Files.createDirectories(
                empty.resolve(model.toAbsolutePath().normalize().getFileName()));
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.createSymbolicLink(folder.resolve(file.getFileName()), file.toRealPath());
            }
        }
        int vocabSize = ModelConfigReader.read(model).text().vocabSize();
        new ObjectMapper().writeValue(folder.resolve(TOKENIZER).toFile(), tokenizer(vocabSize));
        return folder;
    }

    private static ObjectNode tokenizer(int vocabSize) {
        ObjectNode json = new ObjectMapper().createObjectNode().put("version", "1.0");
        json.putArray("added_tokens");
        byteLevel(json.putObject("pre_tokenizer"));
        byteLevel(json.putObject("decoder"));
        ObjectNode bpe = json.putObject("model").put("type", "BPE");
        ObjectNode vocab = bpe.putObject("vocab");
        for (int id = 0; id < vocabSize; id++) {
            vocab.put(SPACE + letters(id), id);
        }
        bpe.putArray("merges");
        return json;
    }

    private static void byteLevel(ObjectNode part) {
        part.put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", false);
    }

    private static String letters(int id) {
        String last = Character.toString('a' + id % LETTERS);
        return id < LETTERS ? last : letters(id / LETTERS) + last;
    }
}

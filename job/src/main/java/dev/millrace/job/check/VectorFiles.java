package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.checkpoint.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Finds and reads the files of a folder of reference vectors. */
final class VectorFiles {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;

    VectorFiles(Path folder) {
        this.folder = folder;
    }

    Path resolve(String name) {
        return folder.resolve(name);
    }

    boolean exists(String name) {
        return Files.exists(folder.resolve(name));
    }

    /** The X of every {@code prefix-X.json}, in order. */
    List<String> suffixes(String prefix) {
        return entries(path -> name(path).startsWith(prefix + "-") && name(path).endsWith(".json")).stream()
                .map(path ->
                        name(path).substring(prefix.length() + 1, name(path).length() - ".json".length()))
                .toList();
    }

    /** Sub-folders that hold a file of that name. */
    List<Path> foldersWith(String file) {
        return entries(path -> Files.exists(path.resolve(file)));
    }

    JsonNode json(String name) {
        return json(folder.resolve(name));
    }

    static JsonNode json(Path file) {
        try {
            return JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw new CheckpointException(file + ": cannot be read as JSON: " + e.getMessage(), e);
        }
    }

    /** One JSON value a line. */
    static List<JsonNode> jsonLines(Path file) {
        List<JsonNode> lines = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(file)) {
                lines.add(JSON.readTree(line));
            }
            return lines;
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s: line %d cannot be read as JSON: %s".formatted(file, lines.size() + 1, e.getMessage()), e);
        }
    }

    private List<Path> entries(Predicate<Path> wanted) {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(wanted).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String name(Path path) {
        return path.getFileName().toString();
    }
}

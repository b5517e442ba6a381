package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.tokenizer.DjlTokenizer;
import dev.millrace.model.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/** Compares every tokenizer's folder: texts with their ids and back ({@code tokenize.jsonl}), prompts ({@code chat.json}). */
final class TokenizerCheck {

    private final VectorFiles files;

    TokenizerCheck(VectorFiles files) {
        this.files = files;
    }

    void run(CheckReport report) {
        List<Path> folders = files.foldersWith("tokenizer.json").stream()
                .filter(folder -> has(folder, "tokenize.jsonl") || has(folder, "chat.json"))
                .toList();
        if (folders.isEmpty()) {
            report.passOver("a folder with tokenizer.json and tokenize.jsonl or chat.json is not there");
        }
        for (Path folder : folders) {
            texts(folder, report);
            ChatCheck.run(folder, report);
        }
    }

    private static void texts(Path folder, CheckReport report) {
        String name = folder.getFileName().toString();
        if (!has(folder, "tokenize.jsonl")) {
            report.passOver(name + "/tokenize.jsonl is not there");
            return;
        }
        report.addAll(name, "tokenize", () -> {
            Tokenizer tokenizer = DjlTokenizer.open(folder.resolve("tokenizer.json"));
            List<JsonNode> lines = VectorFiles.jsonLines(folder.resolve("tokenize.jsonl"));
            return List.of(
                    count(name, "token ids", lines, line -> encodes(tokenizer, line)),
                    count(name, "decoded text", lines, line -> decodes(tokenizer, line)));
        });
    }

    private static CheckRow count(String name, String kind, List<JsonNode> lines, Predicate<JsonNode> agrees) {
        List<JsonNode> wrong = lines.stream().filter(agrees.negate()).toList();
        String note = wrong.isEmpty() ? "" : "first: " + wrong.get(0).path("text");
        return CheckRow.allEqual(name, "tokenize", kind, lines.size() - wrong.size(), lines.size(), note);
    }

    private static boolean encodes(Tokenizer tokenizer, JsonNode line) {
        return Arrays.equals(tokenizer.encode(line.path("text").asText()), GoldenCase.integers(line.path("ids")));
    }

    private static boolean decodes(Tokenizer tokenizer, JsonNode line) {
        return !line.has("decoded")
                || tokenizer
                        .decode(GoldenCase.integers(line.path("ids")), true)
                        .equals(line.path("decoded").asText());
    }

    static boolean has(Path folder, String file) {
        return Files.exists(folder.resolve(file));
    }
}

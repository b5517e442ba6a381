package dev.millrace.model.directory;

import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Finds a folder's chat template in the places where transformers keeps it, the newest first. */
final class ChatTemplateFiles {

    private static final String FIELD = "chat_template";

    private ChatTemplateFiles() {}

    /** The template's text, or null. */
    static String find(Path folder) {
        Path plain = folder.resolve("chat_template.jinja");
        if (Files.exists(plain)) {
            try {
                return Files.readString(plain);
            } catch (IOException e) {
                throw new CheckpointException(plain + ": cannot be read: " + e, e);
            }
        }
        for (String name : List.of("chat_template.json", "tokenizer_config.json")) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                JsonObject json = JsonObject.read(file);
                if (json.has(FIELD)) {
                    return json.get(FIELD).isArray() ? named(json) : json.text(FIELD);
                }
            }
        }
        return null;
    }

    /** A tokenizer may have several templates by name. */
    private static String named(JsonObject json) {
        for (JsonObject template : json.objects(FIELD)) {
            if (template.text("name").equals("default")) {
                return template.text("template");
            }
        }
        throw json.error(FIELD + " has no template with the name 'default'");
    }
}

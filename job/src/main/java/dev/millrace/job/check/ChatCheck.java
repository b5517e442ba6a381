package dev.millrace.job.check;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.tokenizer.ChatMessages;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.model.tokenizer.ChatRenderer;
import dev.millrace.model.tokenizer.TemplateVariables;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Compares rendered conversations with {@code chat.json}. */
final class ChatCheck {

    private ChatCheck() {}

    static void run(Path folder, CheckReport report) {
        String file = folder.getFileName().toString();
        if (!TokenizerCheck.has(folder, "chat.json")) {
            report.passOver(file + "/chat.json is not there");
            return;
        }
        report.addAll(file, "chat", () -> List.of(compare(file, folder)));
    }

    private static CheckRow compare(String file, Path folder) {
        var directory = new ModelDirectory(folder);
        ChatRenderer renderer = directory.chatRenderer(directory.tokenizer());
        JsonNode chats = VectorFiles.json(folder.resolve("chat.json"));
        List<Integer> wrong = new ArrayList<>();
        for (int i = 0; i < chats.size(); i++) {
            if (!render(renderer, chats.get(i))
                    .equals(chats.get(i).path("prompt").asText())) {
                wrong.add(i);
            }
        }
        String note = wrong.isEmpty() ? "" : "entries " + wrong;
        return CheckRow.allEqual(file, "chat", "prompt", chats.size() - wrong.size(), chats.size(), note);
    }

    private static String render(ChatRenderer renderer, JsonNode chat) {
        return renderer.render(
                        ChatMessages.parse(chat.path("messages")),
                        new ChatOptions(
                                chat.path("add_generation_prompt").asBoolean(false),
                                false,
                                new TemplateVariables(Map.of(
                                        "add_vision_id",
                                        chat.path("add_vision_id").asBoolean(false)))))
                .text();
    }
}

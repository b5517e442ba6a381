package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.tokenizer.ChatMessage;
import dev.millrace.model.tokenizer.ChatOptions;
import dev.millrace.model.tokenizer.ChatRenderer;
import dev.millrace.model.tokenizer.DjlTokenizer;
import dev.millrace.model.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;

/** How a data set's text becomes a prompt. */
interface PromptText {

    Written write(String text);

    /** As it is. */
    static PromptText plain(Tokenizer tokenizer) {
        return text -> new Written(TextNode.valueOf(text), tokenizer == null ? 0 : tokenizer.encodeText(text).length);
    }

    /** As a user's message in the model's chat template, for completions; as token ids, since special ones are among them. */
    static PromptText templated(ModelDirectory model, DjlTokenizer tokenizer) {
        ChatRenderer renderer = model.chatRenderer(tokenizer);
        return text -> {
            int[] ids = renderer.render(List.of(ChatMessage.text("user", text)), ChatOptions.DEFAULT)
                    .ids();
            ArrayNode prompt = JsonNodeFactory.instance.arrayNode();
            Arrays.stream(ids).forEach(prompt::add);
            return new Written(prompt, ids.length);
        };
    }

    /**
     * A prompt.
     *
     * @param length its tokens; nought where nobody knows
     */
    record Written(JsonNode prompt, int length) {}
}

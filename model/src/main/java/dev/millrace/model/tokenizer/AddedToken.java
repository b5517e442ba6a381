package dev.millrace.model.tokenizer;

import dev.millrace.model.checkpoint.JsonObject;
import java.util.List;

/**
 * A token that is found in a text before the text is cut into pieces.
 *
 * @param content its text
 * @param special whether it is left out where special tokens are skipped
 */
record AddedToken(int id, String content, boolean special) {

    static List<AddedToken> read(JsonObject tokenizer) {
        if (!tokenizer.has("added_tokens")) {
            return List.of();
        }
        return tokenizer.objects("added_tokens").stream().map(AddedToken::of).toList();
    }

    private static AddedToken of(JsonObject json) {
        for (String feature : List.of("single_word", "lstrip", "rstrip")) {
            if (json.flag(feature, false)) {
                throw json.error(feature + " is true; supported are tokens that are found wherever their text stands");
            }
        }
        if (json.text("content").isEmpty()) {
            throw json.error("content is empty");
        }
        int id = json.integer("id", 0, Vocabulary.MAX_ID);
        return new AddedToken(id, json.text("content"), json.flag("special", false));
    }
}

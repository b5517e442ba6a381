package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.grammar.automaton.GrammarException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;

/** Finds what {@code $ref} refers to, within one document. */
final class References {

    private final JsonNode document;

    References(JsonNode document) {
        this.document = document;
    }

    JsonNode resolve(JsonNode reference) {
        String uri = reference.asText();
        if (!uri.equals("#") && !uri.startsWith("#/")) {
            throw new GrammarException(
                    "$ref " + reference + " is not supported; supported are those that begin with #/");
        }
        JsonNode found;
        try {
            String pointer = URLDecoder.decode(uri.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
            found = document.at(JsonPointer.compile(pointer));
        } catch (IllegalArgumentException e) {
            throw new GrammarException("$ref " + reference + " is not well-formed: " + e.getMessage());
        }
        if (found.isMissingNode()) {
            throw new GrammarException("$ref " + reference + " refers to nothing in the schema");
        }
        return found;
    }
}

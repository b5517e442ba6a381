package dev.millrace.operators.request;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.grammar.GrammarSource;
import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.schemas.StructuredOutputs;
import java.util.ArrayList;
import java.util.List;

/** What a request says of its answer's looks, in the words of vLLM's {@code StructuredOutputsParams}. Nothing is compiled. */
final class GrammarReader {

    private static final String PARAM = "structured_outputs";
    private static final String ANY_OBJECT = "{\"type\": \"object\"}"; // what vLLM makes of json_object, too
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private GrammarReader() {}

    /** Null if nothing is asked. */
    static GrammarSource read(StructuredOutputs outputs) {
        if (outputs == null) {
            return null;
        }
        List<String> names = new ArrayList<>();
        List<GrammarSource> given = new ArrayList<>();
        add("json", Kind.JSON_SCHEMA, outputs.getJson(), names, given);
        add("regex", Kind.REGEX, outputs.getRegex(), names, given);
        add("choice", Kind.CHOICE, choices(outputs.getChoice()), names, given);
        add("grammar", Kind.EBNF, outputs.getGrammar(), names, given);
        add("json_object", Kind.JSON_SCHEMA, outputs.getJsonObject() ? ANY_OBJECT : null, names, given);
        Require.that(
                given.size() <= 1,
                PARAM,
                "You can only use one kind of structured outputs constraint but multiple are specified: %s",
                String.join(", ", names));
        Require.that(
                given.size() == 1,
                PARAM,
                "You must use one kind of structured outputs constraint but none are specified: json, regex, choice,"
                        + " grammar or json_object.");
        return given.get(0);
    }

    private static void add(String name, Kind kind, String text, List<String> names, List<GrammarSource> given) {
        if (text != null) {
            Require.that(!text.isBlank(), PARAM, "structured_outputs.%s cannot be an empty string", name);
            names.add(name);
            given.add(new GrammarSource(kind, text));
        }
    }

    private static String choices(List<String> choices) {
        if (choices == null) {
            return null;
        }
        Require.that(!choices.isEmpty(), PARAM, "structured_outputs.choice cannot be an empty list");
        try {
            return MAPPER.writeValueAsString(choices);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("texts are always written", e);
        }
    }
}

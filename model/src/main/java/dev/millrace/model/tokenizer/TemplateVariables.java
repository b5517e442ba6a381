package dev.millrace.model.tokenizer;

import dev.millrace.model.InvalidInputException;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * What a chat template reads beside the messages, by name: vLLM's {@code chat_template_kwargs}.
 *
 * @param values texts, numbers, truth values, null, and lists and maps of these
 */
public record TemplateVariables(Map<String, Object> values) {

    /** What the request itself says; of these vLLM refuses two in the same words, and ignores or trips over the others. */
    private static final List<String> RESERVED = List.of(
            "add_generation_prompt",
            "chat_template",
            "continue_final_message",
            "conversation",
            "documents",
            "messages",
            "tokenize",
            "tools");

    public static final TemplateVariables NONE = new TemplateVariables(Map.of());

    /** @throws InvalidInputException if a name is the request's own */
    public TemplateVariables {
        values = Collections.unmodifiableMap(new HashMap<>(values));
        var taken = new TreeSet<>(values.keySet());
        taken.retainAll(RESERVED);
        if (!taken.isEmpty()) {
            throw new InvalidInputException(
                    "Found unexpected chat template kwargs from request: "
                            + taken.stream().collect(Collectors.joining("', '", "{'", "'}"))
                            + "; allowed are all names but " + String.join(", ", RESERVED),
                    "chat_template_kwargs." + taken.first());
        }
    }

    /** The same with other texts, names within values included. */
    TemplateVariables mapText(UnaryOperator<String> change) {
        Map<String, Object> changed = new HashMap<>();
        values.forEach((name, value) -> changed.put(name, mapText(value, change)));
        return new TemplateVariables(changed);
    }

    private static Object mapText(Object value, UnaryOperator<String> change) {
        if (value instanceof String text) {
            return change.apply(text);
        }
        if (value instanceof List<?> list) {
            return list.stream().map(item -> mapText(item, change)).collect(Collectors.toList());
        }
        if (value instanceof Map<?, ?> map) {
            Map<Object, Object> changed = new HashMap<>();
            map.forEach((key, item) -> changed.put(mapText(key, change), mapText(item, change)));
            return changed;
        }
        return value;
    }
}

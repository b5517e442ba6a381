package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What keywords a schema has, which types they are about, and which of them cannot be held to. */
final class Keywords {

    static final List<String> TYPES = List.of("object", "array", "string", "number", "integer", "boolean", "null");

    private static final Map<String, List<String>> ABOUT = new LinkedHashMap<>();

    /** Assertions that a grammar cannot express, or ours does not. */
    private static final Map<String, Set<String>> UNSUPPORTED = Map.of(
            "object",
                    Set.of(
                            "patternProperties",
                            "propertyNames",
                            "dependencies",
                            "dependentRequired",
                            "dependentSchemas"),
            "array", Set.of("contains", "minContains", "maxContains", "additionalItems"));

    private static final Set<String> UNSUPPORTED_ANYWHERE =
            Set.of("not", "if", "then", "else", "$dynamicRef", "$recursiveRef");

    static {
        ABOUT.put(
                "object",
                List.of(
                        "properties",
                        "required",
                        "additionalProperties",
                        "minProperties",
                        "maxProperties",
                        "patternProperties",
                        "propertyNames",
                        "unevaluatedProperties",
                        "dependentRequired",
                        "dependentSchemas",
                        "dependencies"));
        ABOUT.put(
                "array",
                List.of(
                        "items",
                        "prefixItems",
                        "minItems",
                        "maxItems",
                        "uniqueItems",
                        "contains",
                        "unevaluatedItems",
                        "additionalItems"));
        ABOUT.put("string", List.of("minLength", "maxLength", "pattern", "format"));
        ABOUT.put("number", List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"));
    }

    private Keywords() {}

    /**
     * The types that values may have: what {@code type} says, else the type that other keywords are about, as XGrammar
     * takes it; all, where there is none.
     */
    static List<String> types(JsonNode schema) {
        JsonNode type = schema.get("type");
        List<String> types = new ArrayList<>();
        if (type == null) {
            ABOUT.forEach((about, keywords) -> {
                if (keywords.stream().anyMatch(schema::has)) {
                    types.add(about);
                }
            });
            return types.isEmpty() ? TYPES : types;
        }
        if (type.isArray()) {
            type.forEach(name -> types.add(name.asText()));
        } else {
            types.add(type.asText());
        }
        for (String name : types) {
            if (!TYPES.contains(name)) {
                throw new GrammarException("type " + type + " is not one of " + String.join(", ", TYPES));
            }
        }
        if (types.isEmpty()) {
            throw new GrammarException("type is an empty list");
        }
        return types;
    }

    /** Whether nothing but its type, if that, is said of values. */
    static boolean isPlain(JsonNode schema) {
        return ABOUT.values().stream().flatMap(List::stream).noneMatch(schema::has);
    }

    static void requireSupported(JsonNode schema, List<String> types) {
        schema.fieldNames().forEachRemaining(keyword -> {
            boolean unsupported = UNSUPPORTED_ANYWHERE.contains(keyword)
                    || types.stream()
                            .anyMatch(type ->
                                    UNSUPPORTED.getOrDefault(type, Set.of()).contains(keyword));
            if (unsupported) {
                throw new GrammarException(keyword + " is not supported");
            }
        });
        require(schema, "uniqueItems", false, types.contains("array"));
        require(schema, "unevaluatedItems", false, types.contains("array"));
        require(schema, "unevaluatedProperties", false, types.contains("object"));
    }

    private static void require(JsonNode schema, String keyword, boolean only, boolean applies) {
        JsonNode value = schema.get(keyword);
        if (applies && value != null && !(value.isBoolean() && value.booleanValue() == only)) {
            throw new GrammarException(keyword + " is not supported, unless it is " + only);
        }
    }

    /** A keyword whose value is a count. */
    static int count(JsonNode schema, String keyword, int otherwise) {
        JsonNode value = schema.get(keyword);
        if (value == null) {
            return otherwise;
        }
        boolean whole =
                value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0;
        if (!whole || value.decimalValue().signum() < 0) {
            throw new GrammarException(keyword + " must be a whole number from 0 on, got " + value);
        }
        return (int) Math.min(value.doubleValue(), Integer.MAX_VALUE);
    }

    /** The greater of two counts, if it is. */
    static int inOrder(String what, int min, int max) {
        if (max != Expr.UNBOUNDED && max < min) {
            throw new GrammarException("max" + what + " is " + max + ", less than min" + what + ", " + min);
        }
        return max;
    }
}

package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.grammar.automaton.Work;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Objects. As in XGrammar, properties come in the order of the schema, then others; where {@code additionalProperties} says
 * nothing, there are others only if the schema names no properties.
 */
final class ObjectSchema {

    private static final int MAX_PROPERTIES = 1_000;

    private final Map<String, Expr> named = new LinkedHashMap<>();
    private final Set<String> required = new LinkedHashSet<>();
    private final Expr others;

    /**
     * @param values makes the values of a schema
     */
    ObjectSchema(JsonNode schema, Function<JsonNode, Expr> values, Work work) {
        JsonNode properties = schema.path("properties");
        if (!properties.isObject() && !properties.isMissingNode()) {
            throw new GrammarException("properties must be an object, got " + properties);
        }
        if (properties.size() > MAX_PROPERTIES) {
            throw new GrammarException(
                    "an object has " + properties.size() + " properties; at most " + MAX_PROPERTIES + " are supported");
        }
        properties.fields().forEachRemaining(p -> named.put(p.getKey(), property(p, values)));
        Expr other = other(schema, values);
        readRequired(schema, other);
        requireCounts(schema, other != null);
        others = other == null ? null : JsonTerms.pair(StringSchema.other(List.copyOf(named.keySet()), work), other);
    }

    Expr expr() {
        Expr after = others == null ? Expr.EMPTY : Expr.star(JsonTerms.next(others));
        Expr first = others == null ? Expr.EMPTY : Expr.optional(Expr.seq(JsonTerms.SPACE, others, after));
        List<String> names = new ArrayList<>(named.keySet());
        for (int i = names.size() - 1; i >= 0; i--) {
            Expr pair = JsonTerms.pair(StringSchema.literal(names.get(i)), named.get(names.get(i)));
            boolean must = required.contains(names.get(i));
            Expr begun = Expr.seq(JsonTerms.SPACE, pair, after);
            first = must ? begun : Expr.alt(begun, first);
            Expr next = JsonTerms.next(pair);
            after = Expr.seq(must ? next : Expr.optional(next), after);
        }
        return Expr.seq(Expr.text("{"), first, JsonTerms.SPACE, Expr.text("}"));
    }

    private static Expr property(Map.Entry<String, JsonNode> property, Function<JsonNode, Expr> values) {
        try {
            return values.apply(property.getValue());
        } catch (GrammarException e) {
            throw new GrammarException("property " + property.getKey() + ": " + e.getMessage());
        }
    }

    private static Expr other(JsonNode schema, Function<JsonNode, Expr> values) {
        JsonNode additional = schema.get("additionalProperties");
        if (additional == null) {
            return schema.has("properties") || schema.has("unevaluatedProperties") ? null : JsonTerms.VALUE;
        }
        return additional.isBoolean() && !additional.booleanValue() ? null : values.apply(additional);
    }

    private void readRequired(JsonNode schema, Expr other) {
        JsonNode names = schema.path("required");
        if (!names.isArray() && !names.isMissingNode()) {
            throw new GrammarException("required must be an array of names, got " + names);
        }
        for (JsonNode name : names) {
            required.add(name.asText());
            if (!named.containsKey(name.asText())) {
                if (other == null) {
                    throw new GrammarException("the required property " + name
                            + " is not among properties, and additionalProperties does not allow others");
                }
                named.put(name.asText(), other);
            }
        }
    }

    private void requireCounts(JsonNode schema, boolean open) {
        int min = Keywords.count(schema, "minProperties", 0);
        if (min > required.size()) {
            throw new GrammarException("minProperties is supported up to the number of required properties, "
                    + required.size() + ", got " + min);
        }
        int max = Keywords.count(schema, "maxProperties", Expr.UNBOUNDED);
        if (max != Expr.UNBOUNDED && (open || max < named.size())) {
            throw new GrammarException("maxProperties is supported from the number of properties on, " + named.size()
                    + ", where there are no others; got " + max);
        }
    }
}

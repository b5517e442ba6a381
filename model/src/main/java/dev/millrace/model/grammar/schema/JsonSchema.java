package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.model.grammar.automaton.Dfa;
import dev.millrace.model.grammar.automaton.Expr;
import dev.millrace.model.grammar.automaton.GrammarException;
import dev.millrace.model.grammar.automaton.RuleSet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON schemas (draft 2020-12) as rules of a grammar that allows only documents that are valid. What a grammar cannot hold
 * to is refused by its keyword; what says nothing of values (titles, examples, words that the standard does not have) is
 * passed over. The differences to the standard are XGrammar's, told in {@link ObjectSchema} and {@link Keywords#types}.
 */
public final class JsonSchema {

    private static final int MAX_DEPTH = 64;
    private static final int MAX_SCHEMAS = 5_000;
    private static final List<String> COMBINING = List.of("$ref", "allOf", "anyOf", "oneOf");
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final RuleSet rules;
    private final References references;
    private final Map<JsonNode, Expr> known = new HashMap<>();
    private int depth;

    private JsonSchema(JsonNode document, RuleSet rules) {
        this.rules = rules;
        this.references = new References(document);
    }

    /**
     * Reads a schema into rules.
     *
     * @return the name of the rule that documents follow
     * @throws GrammarException if it is no schema, or says what is not supported
     */
    public static String read(String schema, RuleSet rules) {
        JsonNode document;
        try {
            document = MAPPER.readTree(schema);
        } catch (JsonProcessingException e) {
            throw new GrammarException("it is not JSON: " + e.getOriginalMessage());
        }
        JsonTerms.define(rules);
        rules.define("document", new JsonSchema(document, rules).values(document));
        return "document";
    }

    /** The values that a schema allows. Of equal schemas a rule is made once; one that refers to itself calls its rule. */
    private Expr values(JsonNode schema) {
        if (schema.isBoolean() || schema.isObject() && schema.isEmpty()) {
            return schema.isBoolean() && !schema.booleanValue() ? Expr.alt() : JsonTerms.VALUE;
        }
        if (!schema.isObject()) {
            throw new GrammarException("a schema is an object or a boolean, got " + schema);
        }
        Expr before = known.get(schema);
        if (before != null) {
            return before;
        }
        if (isSmall(schema)) {
            return body(schema);
        }
        if (++depth > MAX_DEPTH) {
            throw new GrammarException("schemas are nested over " + MAX_DEPTH + " deep");
        }
        if (known.size() == MAX_SCHEMAS) {
            throw new GrammarException(
                    "it is too large: references written out, it has over " + MAX_SCHEMAS + " schemas");
        }
        String name = "schema-" + known.size();
        Expr call = new Expr.Call(name);
        known.put(schema, call);
        rules.define(name, body(schema));
        depth--;
        return call;
    }

    /** Whether its values are few enough to be told wherever they stand, rather than by a rule. */
    private static boolean isSmall(JsonNode schema) {
        return COMBINING.stream().noneMatch(schema::has)
                && Keywords.isPlain(schema)
                && Keywords.types(schema).stream().noneMatch(type -> type.equals("object") || type.equals("array"));
    }

    private Expr body(JsonNode schema) {
        for (String keyword : COMBINING) {
            if (schema.has(keyword)) {
                JsonNode value = schema.get(keyword);
                return combined(keyword, value, without(schema, keyword));
            }
        }
        List<String> types = Keywords.types(schema);
        Keywords.requireSupported(schema, types);
        return schema.has("const") || schema.has("enum") ? literals(schema, types) : types(schema, types);
    }

    private Expr combined(String keyword, JsonNode value, JsonNode rest) {
        if (keyword.equals("$ref")) {
            JsonNode target = references.resolve(value);
            return Merging.saysNothing(rest) ? values(target) : values(Merging.both(target, rest));
        }
        if (!value.isArray() || value.isEmpty()) {
            throw new GrammarException(keyword + " must be an array of schemas, got " + value);
        }
        List<JsonNode> schemas = new ArrayList<>();
        value.forEach(schemas::add);
        if (keyword.equals("allOf")) {
            JsonNode all = rest;
            for (JsonNode schema : schemas) {
                all = Merging.both(all, dereferenced(schema));
            }
            return values(all);
        }
        if (keyword.equals("oneOf")) {
            requireDisjoint(schemas);
        }
        boolean alone = Merging.saysNothing(rest);
        return new Expr.Alt(schemas.stream()
                .map(schema -> values(alone ? schema : Merging.both(dereferenced(schema), rest)))
                .toList());
    }

    private JsonNode dereferenced(JsonNode schema) {
        JsonNode at = schema;
        for (int i = 0; at.has("$ref"); i++) {
            if (i > MAX_DEPTH) {
                throw new GrammarException("$ref " + schema.get("$ref") + " leads in a circle");
            }
            JsonNode target = references.resolve(at.get("$ref"));
            at = Merging.both(target, without(at, "$ref"));
        }
        return at;
    }

    private void requireDisjoint(List<JsonNode> schemas) {
        Disjointness disjointness = new Disjointness(references);
        for (int i = 0; i < schemas.size(); i++) {
            for (int j = 0; j < i; j++) {
                if (!disjointness.areDisjoint(schemas.get(i), schemas.get(j))) {
                    throw new GrammarException(
                            "oneOf is supported where no value can fit two of its schemas, by their types"
                                    + " or by a required property with different constants; " + j + " and " + i
                                    + " may both fit. Use anyOf");
                }
            }
        }
    }

    private Expr types(JsonNode schema, List<String> types) {
        if (types.equals(Keywords.TYPES)) {
            return JsonTerms.VALUE;
        }
        return new Expr.Alt(types.stream().map(type -> type(schema, type)).toList());
    }

    private Expr type(JsonNode schema, String type) {
        boolean plain = Keywords.isPlain(schema);
        return switch (type) {
            case "object" -> plain ? JsonTerms.OBJECT : new ObjectSchema(schema, this::values, rules.work()).expr();
            case "array" -> plain ? JsonTerms.ARRAY : new ArraySchema(schema, this::values).expr();
            case "string" -> StringSchema.expr(schema, rules.work());
            case "number" -> new NumberSchema(schema, false, rules.work()).expr();
            case "integer" -> new NumberSchema(schema, true, rules.work()).expr();
            case "boolean" -> JsonTerms.BOOLEAN;
            default -> JsonTerms.NULL;
        };
    }

    /** Given values, of those types, for which what else is said holds; written without white space. */
    private Expr literals(JsonNode schema, List<String> types) {
        if (schema.has("const") && schema.has("enum")
                || !schema.has("const") && !schema.get("enum").isArray()) {
            throw new GrammarException("enum must be an array of values, and stand without const");
        }
        List<JsonNode> values = new ArrayList<>();
        if (schema.has("const")) {
            values.add(schema.get("const"));
        } else {
            schema.get("enum").forEach(values::add);
        }
        boolean any = !schema.has("type");
        List<Expr> options = values.stream()
                .filter(value -> any || types.stream().anyMatch(type -> SameJson.hasType(value, type)))
                .filter(value -> Keywords.isPlain(schema) || holds(value, schema))
                .map(JsonSchema::literal)
                .toList();
        if (options.isEmpty()) {
            throw new GrammarException("none of the values of enum or const fits what else the schema says");
        }
        return new Expr.Alt(options);
    }

    /** Whether a string or a number fits a schema's other keywords. */
    private boolean holds(JsonNode value, JsonNode schema) {
        Expr all = value.isTextual()
                ? StringSchema.expr(schema, rules.work())
                : value.isNumber() ? new NumberSchema(schema, false, rules.work()).expr() : null;
        if (all == null) {
            throw new GrammarException("enum or const of objects and arrays beside other keywords is not supported");
        }
        Expr text = value.isNumber() ? Expr.text(NumberSchema.plain(value)) : literal(value);
        return all == JsonTerms.STRING
                || all == JsonTerms.NUMBER
                || !Dfa.of(text, rules.work())
                        .and(Dfa.of(all, rules.work()), rules.work())
                        .isEmpty();
    }

    private static Expr literal(JsonNode value) {
        if (value.isTextual()) {
            return StringSchema.literal(value.textValue());
        }
        List<Expr> parts = new ArrayList<>();
        if (value.isArray()) {
            value.forEach(item -> parts.add(literal(item)));
            return Expr.seq(Expr.text("["), joined(parts), Expr.text("]"));
        }
        if (value.isObject()) {
            value.fields()
                    .forEachRemaining(field -> parts.add(
                            Expr.seq(StringSchema.literal(field.getKey()), Expr.text(":"), literal(field.getValue()))));
            return Expr.seq(Expr.text("{"), joined(parts), Expr.text("}"));
        }
        return Expr.text(value.toString());
    }

    private static Expr joined(List<Expr> parts) {
        List<Expr> joined = new ArrayList<>();
        for (Expr part : parts) {
            if (!joined.isEmpty()) {
                joined.add(Expr.text(","));
            }
            joined.add(part);
        }
        return new Expr.Seq(joined);
    }

    private static JsonNode without(JsonNode schema, String keyword) {
        ObjectNode rest = new ObjectNode(JsonNodeFactory.instance);
        schema.fields().forEachRemaining(field -> {
            if (!field.getKey().equals(keyword)) {
                rest.set(field.getKey(), field.getValue());
            }
        });
        return rest;
    }
}

package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.model.grammar.automaton.GrammarException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.StreamSupport;

/** Makes one schema of two that must both hold, where keyword by keyword that is possible. */
final class Merging {

    private static final Set<String> LEAST =
            Set.of("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties");
    private static final Set<String> MOST =
            Set.of("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties");
    private static final Set<String> NOTES = Set.of(
            "title",
            "description",
            "default",
            "examples",
            "$comment",
            "$schema",
            "$id",
            "$anchor",
            "$defs",
            "definitions",
            "deprecated",
            "readOnly",
            "writeOnly",
            "discriminator");

    private Merging() {}

    /** Whether it holds nothing but words about itself. */
    static boolean saysNothing(JsonNode schema) {
        for (Iterator<String> keywords = schema.fieldNames(); keywords.hasNext(); ) {
            if (!NOTES.contains(keywords.next())) {
                return false;
            }
        }
        return true;
    }

    static JsonNode both(JsonNode one, JsonNode other) {
        if (one.isBoolean()) {
            return one.booleanValue() ? other : one;
        }
        if (other.isBoolean()) {
            return both(other, one);
        }
        if (!one.isObject() || !other.isObject()) {
            throw new GrammarException("a schema is an object or a boolean, got " + (one.isObject() ? other : one));
        }
        ObjectNode merged = one.deepCopy();
        for (Map.Entry<String, JsonNode> entry : (Iterable<Map.Entry<String, JsonNode>>) other::fields) {
            String keyword = entry.getKey();
            JsonNode before = merged.get(keyword);
            merged.set(keyword, before == null ? entry.getValue() : both(keyword, before, entry.getValue()));
        }
        requireSameProperties(one, other);
        return merged;
    }

    private static JsonNode both(String keyword, JsonNode one, JsonNode other) {
        if (one.equals(other) || NOTES.contains(keyword)) {
            return one;
        }
        if (LEAST.contains(keyword) || MOST.contains(keyword)) {
            boolean first = one.decimalValue().compareTo(other.decimalValue()) >= 0 == LEAST.contains(keyword);
            return first ? one : other;
        }
        return switch (keyword) {
            case "type" -> types(one, other);
            case "required" -> union(one, other);
            case "properties" -> properties(one, other);
            case "enum" -> common(one, other);
            case "items", "additionalProperties" -> both(one, other);
            default -> throw new GrammarException(
                    keyword + " is said twice of one value, by allOf, $ref or anyOf; that is not supported");
        };
    }

    /** A schema that allows no others than its own properties would forbid those of the other schema. */
    private static void requireSameProperties(JsonNode one, JsonNode other) {
        for (JsonNode[] pair : List.of(new JsonNode[] {one, other}, new JsonNode[] {other, one})) {
            JsonNode additional = pair[0].get("additionalProperties");
            boolean open = additional == null || additional.isBoolean() && additional.booleanValue();
            pair[1].path("properties").fieldNames().forEachRemaining(name -> {
                if (!open && !pair[0].path("properties").has(name)) {
                    throw new GrammarException(
                            "additionalProperties beside allOf, $ref or anyOf that names the property " + name
                                    + " is not supported");
                }
            });
        }
    }

    private static JsonNode types(JsonNode one, JsonNode other) {
        ArrayNode common = JsonNodeFactory.instance.arrayNode();
        List<String> others = names(other);
        for (String name : names(one)) {
            if (others.contains(name) || name.equals("integer") && others.contains("number")) {
                common.add(name);
            } else if (name.equals("number") && others.contains("integer")) {
                common.add("integer");
            }
        }
        if (common.isEmpty()) {
            throw new GrammarException("type is " + one + " and " + other + " at once; nothing is both");
        }
        return common;
    }

    private static List<String> names(JsonNode type) {
        return type.isArray()
                ? StreamSupport.stream(type.spliterator(), false)
                        .map(JsonNode::asText)
                        .toList()
                : List.of(type.asText());
    }

    private static JsonNode union(JsonNode one, JsonNode other) {
        ArrayNode all = one.deepCopy();
        other.forEach(name -> {
            boolean known = false;
            for (JsonNode before : one) {
                known |= before.equals(name);
            }
            if (!known) {
                all.add(name);
            }
        });
        return all;
    }

    private static JsonNode common(JsonNode one, JsonNode other) {
        ArrayNode both = one.deepCopy();
        both.removeAll();
        for (JsonNode value : one) {
            for (JsonNode candidate : other) {
                if (candidate.equals(value)) {
                    both.add(value);
                    break;
                }
            }
        }
        return both;
    }

    private static JsonNode properties(JsonNode one, JsonNode other) {
        ObjectNode merged = one.deepCopy();
        other.fields().forEachRemaining(property -> {
            JsonNode before = merged.get(property.getKey());
            merged.set(property.getKey(), before == null ? property.getValue() : both(before, property.getValue()));
        });
        return merged;
    }
}

package dev.millrace.model.grammar.schema;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Whether two schemas certainly allow no value in common: by their types, their constants, or those of a property. */
final class Disjointness {

    private static final int MAX_DEPTH = 16;

    private final References references;

    Disjointness(References references) {
        this.references = references;
    }

    boolean areDisjoint(JsonNode one, JsonNode other) {
        return areDisjoint(one, other, 0);
    }

    private boolean areDisjoint(JsonNode given, JsonNode givenOther, int depth) {
        JsonNode one = follow(given);
        JsonNode other = follow(givenOther);
        if (depth > MAX_DEPTH || !one.isObject() || !other.isObject()) {
            return false;
        }
        List<JsonNode> values = values(one);
        List<JsonNode> others = values(other);
        if (values != null && others != null) {
            return values.stream().noneMatch(value -> others.stream().anyMatch(v -> SameJson.are(v, value)));
        }
        if (values != null || others != null) {
            return values != null ? noneHasType(values, other) : noneHasType(others, one);
        }
        return typesDiffer(one, other) || propertyDiffers(one, other, depth);
    }

    private JsonNode follow(JsonNode schema) {
        JsonNode at = schema;
        for (int i = 0; i < MAX_DEPTH && at.has("$ref") && at.size() == 1; i++) {
            at = references.resolve(at.get("$ref"));
        }
        return at;
    }

    private static List<JsonNode> values(JsonNode schema) {
        if (schema.has("const")) {
            return List.of(schema.get("const"));
        }
        if (!schema.path("enum").isArray()) {
            return null;
        }
        List<JsonNode> values = new ArrayList<>();
        schema.get("enum").forEach(values::add);
        return values;
    }

    private static boolean noneHasType(List<JsonNode> values, JsonNode schema) {
        List<String> types = Keywords.types(schema);
        return values.stream().noneMatch(value -> types.stream().anyMatch(type -> SameJson.hasType(value, type)));
    }

    private static boolean typesDiffer(JsonNode one, JsonNode other) {
        List<String> types = Keywords.types(one);
        List<String> others = Keywords.types(other);
        return types.stream().noneMatch(type -> others.stream().anyMatch(t -> overlap(t, type)));
    }

    private static boolean overlap(String one, String other) {
        boolean numbers =
                one.equals("integer") && other.equals("number") || one.equals("number") && other.equals("integer");
        return numbers || one.equals(other);
    }

    /** Both are objects alone and require a property that tells them apart. */
    private boolean propertyDiffers(JsonNode one, JsonNode other, int depth) {
        if (!Keywords.types(one).equals(List.of("object"))
                || !Keywords.types(other).equals(List.of("object"))) {
            return false;
        }
        for (JsonNode name : one.path("required")) {
            JsonNode mine = one.path("properties").path(name.asText());
            JsonNode theirs = other.path("properties").path(name.asText());
            boolean both = false;
            for (JsonNode required : other.path("required")) {
                both |= required.equals(name);
            }
            if (both && areDisjoint(mine, theirs, depth + 1)) {
                return true;
            }
        }
        return false;
    }
}

package dev.millrace.model.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/** Random schemas, each with a maker of documents that it allows. */
final class RandomSchemas {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String[] TEXTS = {
        "", "a", "red", "grün", "世界", "🙂", "a\"b", "c\\d", "line\nend", "tab\t", "x y", "\u0001", "/"
    };
    private static final String[][] PATTERNS = {
        {"^[a-c]{2,4}$", "abca"},
        {"^\\d+-\\d+$", "12-7"},
        {"x", "axb"},
        {"^(yes|no)$", "no"},
        {"^\\w+@\\w+\\.com$", "me@x.com"},
        {"é|ü", "aéb"},
        {"[^a]$", "b\""}
    };

    private final Random random;

    /** A schema, and a maker of documents. */
    record Made(JsonNode schema, Supplier<String> documents) {
        String document() {
            return documents.get();
        }
    }

    RandomSchemas(Random random) {
        this.random = random;
    }

    Made schema(int depth) {
        int kinds = depth > 0 ? 14 : 8;
        return switch (random.nextInt(kinds)) {
            case 0 -> integer();
            case 1 -> number();
            case 2 -> text();
            case 3 -> pattern();
            case 4 -> literals();
            case 5 -> new Made(type("boolean"), () -> random.nextBoolean() ? "true" : "false");
            case 6 -> new Made(type("null"), () -> "null");
            case 7 -> integer();
            case 8, 9, 10 -> object(depth - 1);
            case 11, 12 -> array(depth - 1);
            default -> either(depth - 1);
        };
    }

    private Made integer() {
        ObjectNode schema = type("integer");
        int low = random.nextInt(2_000) - 1_000;
        int high = low + random.nextInt(1_500);
        if (random.nextBoolean()) {
            schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low - 1)
                    .put("maximum", high);
        }
        return new Made(schema, () -> Integer.toString(low + random.nextInt(high - low + 1)));
    }

    private Made number() {
        ObjectNode schema = type("number");
        if (random.nextBoolean()) {
            schema.put("minimum", -2.5).put("exclusiveMaximum", 40);
            return new Made(schema, () -> {
                double value = -2.5 + random.nextInt(425) / 10.0;
                return random.nextBoolean() ? Double.toString(value) : Integer.toString((int) value);
            });
        }
        String[] numbers = {"0", "-0", "12", "0.5", "-3.25e4", "1E+2", "9e-1", "-12.000"};
        return new Made(schema, () -> numbers[random.nextInt(numbers.length)]);
    }

    private Made text() {
        ObjectNode schema = type("string");
        int least = random.nextInt(4);
        boolean bounded = random.nextBoolean();
        if (bounded) {
            schema.put("minLength", least).put("maxLength", least + 6);
        }
        return new Made(schema, () -> {
            StringBuilder value = new StringBuilder();
            while (bounded && value.codePointCount(0, value.length()) < least || random.nextInt(3) == 0) {
                value.append(TEXTS[random.nextInt(TEXTS.length)]);
            }
            int end = bounded
                    ? value.offsetByCodePoints(0, Math.min(least + 6, value.codePointCount(0, value.length())))
                    : value.length();
            return quoted(value.substring(0, end));
        });
    }

    private Made pattern() {
        String[] pattern = PATTERNS[random.nextInt(PATTERNS.length)];
        return new Made(type("string").put("pattern", pattern[0]), () -> quoted(pattern[1]));
    }

    private Made literals() {
        ObjectNode schema = MAPPER.createObjectNode();
        ArrayNode values = schema.putArray("enum");
        for (int i = 0; i <= random.nextInt(4); i++) {
            values.add(TEXTS[random.nextInt(TEXTS.length)] + i);
        }
        values.add(random.nextInt(100)).add(random.nextBoolean()).addNull();
        if (random.nextInt(3) == 0) {
            JsonNode value = values.get(0);
            return new Made(MAPPER.createObjectNode().set("const", value), () -> quoted(value.textValue()));
        }
        return new Made(schema, () -> {
            JsonNode value = values.get(random.nextInt(values.size()));
            return value.isTextual() ? quoted(value.textValue()) : value.toString();
        });
    }

    private Made object(int depth) {
        ObjectNode schema = type("object");
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = MAPPER.createArrayNode();
        List<String> names = new ArrayList<>();
        List<Made> values = new ArrayList<>();
        for (int i = random.nextInt(5); i > 0; i--) {
            String name = TEXTS[random.nextInt(TEXTS.length)] + i;
            Made value = schema(depth);
            properties.set(name, value.schema);
            names.add(name);
            values.add(value);
            if (random.nextBoolean()) {
                required.add(name);
            }
        }
        schema.set("required", required);
        Made other = random.nextInt(3) == 0 ? schema(0) : null;
        if (other != null) {
            schema.set("additionalProperties", other.schema);
        } else if (random.nextBoolean()) {
            schema.put("additionalProperties", false);
        }
        return new Made(schema, () -> {
            List<String> pairs = new ArrayList<>();
            for (int i = 0; i < names.size(); i++) {
                if (random.nextBoolean() || contains(required, names.get(i))) {
                    pairs.add(pair(names.get(i), values.get(i)));
                }
            }
            for (int i = other == null ? 0 : random.nextInt(3); i > 0; i--) {
                pairs.add(pair("other " + i, other));
            }
            return joined("{", pairs, "}");
        });
    }

    private String pair(String name, Made value) {
        return quoted(name) + space() + ":" + space() + value.document();
    }

    private Made array(int depth) {
        ObjectNode schema = type("array");
        List<Made> first = new ArrayList<>();
        for (int i = random.nextInt(4) == 0 ? 1 + random.nextInt(2) : 0; i > 0; i--) {
            first.add(schema(depth));
        }
        if (!first.isEmpty()) {
            ArrayNode prefix = schema.putArray("prefixItems");
            first.forEach(made -> prefix.add(made.schema));
        }
        Made rest = schema(depth);
        schema.set("items", rest.schema);
        int min = random.nextInt(3);
        int max = min + random.nextInt(3);
        if (random.nextBoolean()) {
            schema.put("minItems", min);
            schema.put("maxItems", max);
        }
        return new Made(schema, () -> {
            List<String> items = new ArrayList<>();
            for (int i = min + random.nextInt(max - min + 1); i > 0; i--) {
                items.add((items.size() < first.size() ? first.get(items.size()) : rest).document());
            }
            return joined("[", items, "]");
        });
    }

    private Made either(int depth) {
        Made one = schema(depth);
        Made other = schema(depth);
        ObjectNode schema = MAPPER.createObjectNode();
        schema.putArray("anyOf").add(one.schema).add(other.schema);
        return new Made(schema, () -> (random.nextBoolean() ? one : other).document());
    }

    private static ObjectNode type(String type) {
        return MAPPER.createObjectNode().put("type", type);
    }

    private static boolean contains(ArrayNode names, String name) {
        for (JsonNode candidate : names) {
            if (candidate.textValue().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private String joined(String open, List<String> parts, String close) {
        return open + space() + String.join(space() + "," + space(), parts) + space() + close;
    }

    private String space() {
        return new String[] {"", "", " ", "\n  ", "\t"}[random.nextInt(5)];
    }

    private static String quoted(String value) {
        return TextNode.valueOf(value).toString();
    }
}

package dev.millrace.model.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An object of a checkpoint's JSON file, read strictly: whatever is missing, of another type or out of range is a
 * {@link CheckpointException} that names the file, the field, the value and what is allowed.
 */
public final class JsonObject {

    private static final long MAX_BYTES = 64L << 20;
    private static final int MAX_SHOWN = 500;
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final String where; // file and path of this object, for messages
    private final JsonNode node;

    private JsonObject(String where, JsonNode node) {
        this.where = where;
        this.node = node;
    }

    /** The object that a file holds. */
    public static JsonObject read(Path file) {
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new CheckpointException(
                        file + ": " + size + " bytes; at most " + MAX_BYTES + " are read as JSON");
            }
            return parse(file.toString(), Files.readAllBytes(file));
        } catch (IOException e) {
            throw new CheckpointException(file + ": cannot be read: " + e, e);
        }
    }

    static JsonObject parse(String where, byte[] json) {
        try {
            JsonNode node = MAPPER.readTree(json);
            if (!node.isObject()) {
                throw new CheckpointException(where + ": a JSON object is expected");
            }
            return new JsonObject(where, node);
        } catch (JsonProcessingException e) {
            throw new CheckpointException(where + ": not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new CheckpointException(where + ": cannot be read: " + e, e);
        }
    }

    /** A null counts as missing. */
    public boolean has(String field) {
        return node.hasNonNull(field);
    }

    public List<String> fields() {
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** The value as Jackson has it, where its type is open. */
    public JsonNode get(String field) {
        if (!has(field)) {
            throw new CheckpointException(where + ": field '" + field + "' is missing");
        }
        return node.get(field);
    }

    public JsonObject object(String field) {
        JsonNode value = get(field);
        check(value.isObject(), field, value, "an object");
        return new JsonObject(where + ": " + field, value);
    }

    /** The objects of a list. */
    public List<JsonObject> objects(String field) {
        JsonNode list = get(field);
        check(list.isArray(), field, list, "a list of objects");
        List<JsonObject> objects = new ArrayList<>();
        for (JsonNode element : list) {
            check(element.isObject(), field, list, "a list of objects");
            objects.add(new JsonObject(where + ": " + field + " " + objects.size(), element));
        }
        return objects;
    }

    public String text(String field) {
        JsonNode value = get(field);
        check(value.isTextual(), field, value, "a text");
        return value.textValue();
    }

    public boolean flag(String field, boolean otherwise) {
        if (!has(field)) {
            return otherwise;
        }
        JsonNode value = get(field);
        check(value.isBoolean(), field, value, "true or false");
        return value.booleanValue();
    }

    /** A whole number within bounds, both allowed. */
    public int integer(String field, int min, int max) {
        return integer(field, get(field), min, max);
    }

    public int integer(String field, int min, int max, int otherwise) {
        return has(field) ? integer(field, min, max) : otherwise;
    }

    /** A number within bounds, both allowed. */
    public double number(String field, double min, double max) {
        JsonNode value = get(field);
        boolean ok = value.isNumber() && value.doubleValue() >= min && value.doubleValue() <= max;
        check(ok, field, value, "a number from " + min + " to " + max);
        return value.doubleValue();
    }

    /** A list of whole numbers within bounds; a single number is a list of one. */
    public int[] integers(String field, int min, int max) {
        JsonNode value = get(field);
        if (!value.isArray()) {
            return new int[] {integer(field, value, min, max)};
        }
        int[] out = new int[value.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = integer(field, value.get(i), min, max);
        }
        return out;
    }

    /** This object but for some of its fields. */
    public JsonObject without(String... fields) {
        ObjectNode copy = MAPPER.createObjectNode();
        copy.setAll((ObjectNode) node);
        return new JsonObject(where, copy.remove(List.of(fields)));
    }

    /** As JSON. */
    @Override
    public String toString() {
        return node.toString();
    }

    /** An error about this object. */
    public CheckpointException error(String problem) {
        return new CheckpointException(where + ": " + shortened(problem));
    }

    private int integer(String field, JsonNode value, int min, int max) {
        boolean ok = value.isIntegralNumber()
                && value.canConvertToInt()
                && value.intValue() >= min
                && value.intValue() <= max;
        check(ok, field, value, "a whole number from " + min + " to " + max);
        return value.intValue();
    }

    private void check(boolean ok, String field, JsonNode value, String allowed) {
        if (!ok) {
            throw error("field '" + field + "' is " + shown(value) + "; expected is " + allowed);
        }
    }

    private static String shown(JsonNode value) {
        String text = value.toString();
        return text.length() <= MAX_SHOWN / 4 ? text : text.substring(0, MAX_SHOWN / 4) + "…";
    }

    private static String shortened(String text) {
        return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "…";
    }
}

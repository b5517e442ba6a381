package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.MalformedRecordException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Typed access to the fields of a JSON object. Null and absent are the same. What has another type is refused by its
 * path, such as {@code messages[2].content[0].fps}.
 */
public record JsonFields(ObjectNode object, String path) {

    /** Reads one element of an array or a map. */
    @FunctionalInterface
    public interface Element<T> {
        T read(JsonNode node, String path) throws MalformedRecordException;
    }

    /**
     * The object that a body holds.
     *
     * @throws MalformedRecordException if the bytes are anything else, nest too deep, or name a field twice
     */
    public static JsonFields parse(byte[] body) throws MalformedRecordException {
        return new JsonFields(Json.readObject(body), "");
    }

    public String pathOf(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    public boolean has(String name) {
        return object.hasNonNull(name);
    }

    public JsonNode node(String name) {
        return has(name) ? object.get(name) : null;
    }

    public String text(String name) throws MalformedRecordException {
        return has(name) ? text(object.get(name), pathOf(name)) : null;
    }

    public Integer integer(String name) throws MalformedRecordException {
        return has(name) ? integer(object.get(name), pathOf(name)) : null;
    }

    public Long longInteger(String name) throws MalformedRecordException {
        return has(name) ? longInteger(object.get(name), pathOf(name)) : null;
    }

    public Double number(String name) throws MalformedRecordException {
        return has(name) ? number(object.get(name), pathOf(name)) : null;
    }

    public boolean flag(String name, boolean otherwise) throws MalformedRecordException {
        JsonNode node = node(name);
        if (node != null && !node.isBoolean()) {
            throw refused(node, pathOf(name), "true or false");
        }
        return node == null ? otherwise : node.booleanValue();
    }

    /** The object in a field, or null. */
    public JsonFields fields(String name) throws MalformedRecordException {
        return has(name) ? of(object.get(name), pathOf(name)) : null;
    }

    /** The array in a field, or null. */
    public <T> List<T> list(String name, Element<T> element) throws MalformedRecordException {
        return has(name) ? list(object.get(name), pathOf(name), element) : null;
    }

    /** The object in a field as a map, or null. */
    public <T> Map<String, T> map(String name, Element<T> element) throws MalformedRecordException {
        JsonFields inner = fields(name);
        if (inner == null) {
            return null;
        }
        Map<String, T> map = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : inner.object.properties()) {
            map.put(entry.getKey(), element.read(entry.getValue(), inner.pathOf(entry.getKey())));
        }
        return map;
    }

    public static JsonFields of(JsonNode node, String path) throws MalformedRecordException {
        if (node instanceof ObjectNode object) {
            return new JsonFields(object, path);
        }
        throw refused(node, path, "an object");
    }

    public static <T> List<T> list(JsonNode node, String path, Element<T> element) throws MalformedRecordException {
        if (!node.isArray()) {
            throw refused(node, path, "an array");
        }
        List<T> list = new ArrayList<>(node.size());
        for (int i = 0; i < node.size(); i++) {
            list.add(element.read(node.get(i), path + "[" + i + "]"));
        }
        return list;
    }

    public static String text(JsonNode node, String path) throws MalformedRecordException {
        if (!node.isTextual()) {
            throw refused(node, path, "a string");
        }
        return wholeCharacters(node.textValue(), path);
    }

    /** The text, if UTF-8 can hold it. */
    static String wholeCharacters(String text, String path) throws MalformedRecordException {
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            if (Character.getType(text.codePointAt(i)) == Character.SURROGATE) {
                throw new MalformedRecordException(
                        path + " holds half of a surrogate pair at character " + i + "; give whole characters", path);
            }
        }
        return text;
    }

    public static Integer integer(JsonNode node, String path) throws MalformedRecordException {
        return (int) integer(node, path, Integer.SIZE);
    }

    static Long longInteger(JsonNode node, String path) throws MalformedRecordException {
        return integer(node, path, Long.SIZE);
    }

    private static long integer(JsonNode node, String path, int bits) throws MalformedRecordException {
        boolean whole = node.isFloatingPointNumber()
                && node.doubleValue() == Math.rint(node.doubleValue())
                && Math.abs(node.doubleValue()) <= 1L << 53;
        long value = whole ? (long) node.doubleValue() : node.longValue();
        boolean given = whole || node.isIntegralNumber() && node.canConvertToLong();
        if (!given || bits == Integer.SIZE && value != (int) value) {
            throw refused(node, path, "an integer of " + bits + " bits");
        }
        return value;
    }

    static Double number(JsonNode node, String path) throws MalformedRecordException {
        if (!node.isNumber()) {
            throw refused(node, path, "a number");
        }
        return node.doubleValue();
    }

    public static MalformedRecordException refused(JsonNode node, String path, String allowed) {
        return new MalformedRecordException(path + " must be " + allowed + ", got " + Json.kind(node), path);
    }
}

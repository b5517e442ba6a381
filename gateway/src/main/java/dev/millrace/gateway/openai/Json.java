package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Values as JSON has them. */
final class Json {

    private Json() {}

    /** The ids, or null. */
    static JsonNode ids(List<Integer> ids) {
        if (ids == null) {
            return JsonNodeFactory.instance.nullNode();
        }
        ArrayNode array = JsonNodeFactory.instance.arrayNode(ids.size());
        ids.forEach(array::add);
        return array;
    }

    /** A number, a text or null. */
    static void put(ObjectNode node, String name, Object value) {
        if (value instanceof Integer number) {
            node.put(name, number);
        } else {
            node.put(name, value == null ? null : value.toString());
        }
    }

    static ObjectNode putIfPresent(ObjectNode node, String name, String value) {
        return value == null ? node : node.put(name, value);
    }
}

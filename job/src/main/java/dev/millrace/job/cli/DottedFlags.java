package dev.millrace.job.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Stack;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Flags that give a field of their JSON, as {@code --limit-mm-per-prompt.video 0}: those of one flag become its JSON, by vLLM's
 * rules ({@code FlexibleArgumentParser.parse_args} of vllm/utils/argparse_utils.py). A name that ends with + adds to a list.
 */
final class DottedFlags {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** The flag, the path of its field, whether that is added to, and the value where it is joined. */
    private static final Pattern FORM =
            Pattern.compile("(--[^.=]+)\\.((?:[^.=]+\\.){0,9}[^.=]*[^.=+])(\\+?)(?:=(.*))?", Pattern.DOTALL);

    private DottedFlags() {}

    /** @param args of the command line, the first one on top */
    static void join(Stack<String> args) {
        List<String> rest = new ArrayList<>();
        Map<String, ObjectNode> objects = new LinkedHashMap<>();
        while (!args.isEmpty()) {
            String arg = args.pop();
            Matcher form = FORM.matcher(arg);
            if (form.matches() && (form.group(4) != null || !args.isEmpty())) {
                String value = form.group(4) == null ? args.pop() : form.group(4);
                JsonNode content = form.group(3).isEmpty() ? content(value) : list(value);
                merge(
                        objects.computeIfAbsent(form.group(1), flag -> JSON.createObjectNode()),
                        nested(form.group(2), content));
            } else {
                rest.add(arg);
            }
        }
        objects.forEach((flag, object) -> rest.add(flag + "=" + object));
        Collections.reverse(rest);
        args.addAll(rest);
    }

    private static JsonNode content(String value) {
        try {
            JsonNode content = JSON.readTree(value);
            return content.isMissingNode() ? new TextNode(value) : content;
        } catch (JsonProcessingException e) {
            return new TextNode(value); // what is no JSON is a text
        }
    }

    private static ArrayNode list(String values) {
        ArrayNode list = JSON.createArrayNode();
        for (String value : values.split(",", -1)) {
            list.add(value);
        }
        return list;
    }

    /** {@code {"a": {"b": content}}} of {@code a.b}. */
    private static ObjectNode nested(String path, JsonNode content) {
        int dot = path.indexOf('.');
        ObjectNode object = JSON.createObjectNode();
        if (dot < 0) {
            object.set(path, content);
        } else {
            object.set(path.substring(0, dot), nested(path.substring(dot + 1), content));
        }
        return object;
    }

    private static void merge(ObjectNode into, ObjectNode from) {
        from.properties().forEach(field -> {
            JsonNode there = into.get(field.getKey());
            if (there instanceof ObjectNode inner && field.getValue() instanceof ObjectNode more) {
                merge(inner, more);
            } else if (there instanceof ArrayNode list && field.getValue() instanceof ArrayNode more) {
                list.addAll(more);
            } else {
                into.set(field.getKey(), field.getValue());
            }
        });
    }
}

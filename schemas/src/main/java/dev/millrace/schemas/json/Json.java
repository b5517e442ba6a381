package dev.millrace.schemas.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.MalformedRecordException;
import java.io.IOException;
import java.util.regex.Pattern;

/** JSON within limits: one object a value, no duplicate fields, bounded depth, size, numbers and strings. */
final class Json {

    private static final int MAX_DEPTH = 64;
    private static final int MAX_NUMBER = 100;
    private static final int MAX_STRING = 64 << 20;
    private static final int MAX_TOKENS = 1_000_000; // a parsed one takes up to 50 times its bytes

    /** Where Jackson tells a programmer which setting to change; a producer cannot. */
    private static final Pattern FOR_PROGRAMMERS =
            Pattern.compile(", from `[^`]*`| \\(not recognized as one since Feature [^)]*\\)|Source: [^;]*; ");

    /**
     * NaN and infinities are read, so that a request that holds one is refused by the name of its field, not as broken JSON.
     */
    static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxNumberLength(MAX_NUMBER)
                            .maxStringLength(MAX_STRING)
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    .build())
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private Json() {}

    static ObjectNode readObject(byte[] value) throws MalformedRecordException {
        JsonNode node;
        try (JsonParser parser = MAPPER.createParser(value)) {
            node = MAPPER.readTree(parser);
            if (parser.nextToken() != null) {
                throw new JsonParseException(parser, "more follows the first value; a record is one prompt");
            }
        } catch (JsonProcessingException e) {
            String message = FOR_PROGRAMMERS.matcher(e.getOriginalMessage()).replaceAll("");
            throw new MalformedRecordException("the value is no valid JSON: " + message + at(e), e);
        } catch (IOException e) {
            throw new MalformedRecordException("the value is no valid JSON: " + e.getMessage(), e);
        }
        if (!(node instanceof ObjectNode object)) {
            String what = node == null ? "nothing" : kind(node);
            throw new MalformedRecordException("the value must be a JSON object, got " + what, (String) null);
        }
        return object;
    }

    /** A node's type in words. */
    static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case ARRAY -> "an array";
            case BOOLEAN, NUMBER -> node.asText();
            case NULL, MISSING -> "null";
            case OBJECT, POJO -> "an object";
            case STRING -> "the string \"" + abridged(node.textValue()) + "\"";
            case BINARY -> "bytes";
        };
    }

    private static String abridged(String text) {
        return text.length() <= 40 ? text : text.substring(0, 40) + "…";
    }

    private static String at(JsonProcessingException e) {
        JsonLocation location = e.getLocation();
        return location == null ? "" : " (line " + location.getLineNr() + ", column " + location.getColumnNr() + ")";
    }
}

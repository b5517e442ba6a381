package dev.millrace.job.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a JSON object. */
public final class JsonObject implements ITypeConverter<ObjectNode> {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    @Override
    public ObjectNode convert(String value) {
        try {
            JsonNode node = JSON.readTree(value);
            if (node instanceof ObjectNode object) {
                return object;
            }
        } catch (JsonProcessingException e) {
            throw new TypeConversionException("'%s' is not a JSON object: %s".formatted(value, e.getOriginalMessage()));
        }
        throw new TypeConversionException("'%s' is not a JSON object such as {\"max_pixels\": 50176}".formatted(value));
    }
}

package dev.millrace.job.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a JSON array of texts. */
final class JsonTexts implements ITypeConverter<List<String>> {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    @Override
    public List<String> convert(String value) {
        try {
            return JSON.readValue(value, new TypeReference<>() {});
        } catch (JsonProcessingException e) {
            throw new TypeConversionException(
                    "'%s' is not a JSON array of texts such as [\"*\"]: %s".formatted(value, e.getOriginalMessage()));
        }
    }
}

package dev.millrace.job.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Texts of one JSON array. */
record JsonTexts(List<String> values) {

    /** Reads {@code ["a", "b"]}. */
    static final class Converter implements ITypeConverter<JsonTexts> {

        private static final ObjectMapper JSON =
                new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

        @Override
        public JsonTexts convert(String value) {
            try {
                return new JsonTexts(JSON.readValue(value, new TypeReference<List<String>>() {}));
            } catch (JsonProcessingException e) {
                throw new TypeConversionException("'%s' is not a JSON array of texts such as [\"*\"]: %s"
                        .formatted(value, e.getOriginalMessage()));
            }
        }
    }
}

package dev.millrace.job.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sampling parameters by vLLM's names. */
record SamplingValues(Map<String, Double> byName) {

    static final SamplingValues NONE = new SamplingValues(Map.of());

    /** Reads a JSON object of numbers. */
    static final class Converter implements ITypeConverter<SamplingValues> {

        @Override
        public SamplingValues convert(String value) {
            Map<String, Double> values = new LinkedHashMap<>();
            new JsonObject().convert(value).properties().forEach(field -> {
                if (!field.getValue().isNumber()) {
                    throw new TypeConversionException("'%s': %s is not a number; a JSON object of numbers is allowed"
                            .formatted(value, field.getKey()));
                }
                values.put(field.getKey(), field.getValue().doubleValue());
            });
            return new SamplingValues(values);
        }
    }
}

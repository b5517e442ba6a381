package dev.millrace.job.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * How pictures are resized and videos sampled; null for the checkpoint's own.
 *
 * @param minPixels fewest pixels after resizing
 * @param maxPixels most pixels after resizing
 * @param fps frames a second
 */
record ProcessorKwargs(Integer minPixels, Integer maxPixels, Double fps) {

    static final ProcessorKwargs NONE = new ProcessorKwargs(null, null, null);

    /** Reads {@code {"min_pixels": 3136, "max_pixels": 50176, "fps": 2}}. */
    static final class Converter implements ITypeConverter<ProcessorKwargs> {

        @Override
        public ProcessorKwargs convert(String value) {
            JsonNode json = new JsonObject().convert(value);
            List<String> names = new ArrayList<>();
            json.fieldNames().forEachRemaining(names::add);
            for (String name : names) {
                if (!isAllowed(name, json.get(name))) {
                    throw new TypeConversionException(
                            "'%s': only min_pixels and max_pixels (whole numbers from 1) and fps (above 0) are allowed"
                                    .formatted(value));
                }
            }
            return new ProcessorKwargs(
                    json.has("min_pixels") ? (Integer) json.get("min_pixels").intValue() : null,
                    json.has("max_pixels") ? (Integer) json.get("max_pixels").intValue() : null,
                    json.has("fps") ? (Double) json.get("fps").doubleValue() : null);
        }

        private static boolean isAllowed(String name, JsonNode value) {
            return switch (name) {
                case "min_pixels", "max_pixels" -> value.isInt() && value.intValue() > 0;
                case "fps" -> value.isNumber() && value.doubleValue() > 0;
                default -> false;
            };
        }
    }
}

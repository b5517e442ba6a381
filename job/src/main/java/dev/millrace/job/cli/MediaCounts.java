package dev.millrace.job.cli;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads limits a modality: {@code image=5,video=5}, {@code {"image": 5}} or {@code {"video": {"count": 1}}}. */
final class MediaCounts implements ITypeConverter<MediaCounts.Counts> {

    static final Counts DEFAULT = new Counts(999, 999);

    private static final Pattern PAIR = Pattern.compile("\\s*([a-z]+)\\s*=\\s*(\\d{1,9})\\s*");

    /** Most pictures and videos in a prompt. */
    record Counts(int images, int videos) {}

    @Override
    public Counts convert(String value) {
        Map<String, Integer> counts = value.stripLeading().startsWith("{") ? json(value) : pairs(value);
        if (!Set.of("image", "video").containsAll(counts.keySet())) {
            throw refusal(value);
        }
        return new Counts(counts.getOrDefault("image", DEFAULT.images), counts.getOrDefault("video", DEFAULT.videos));
    }

    private static Map<String, Integer> json(String value) {
        Map<String, Integer> counts = new HashMap<>();
        new JsonObject().convert(value).properties().forEach(field -> {
            var count = field.getValue().isObject() ? field.getValue().path("count") : field.getValue();
            if (!count.isInt() || count.asInt() < 0) {
                throw refusal(value);
            }
            counts.put(field.getKey(), count.asInt());
        });
        return counts;
    }

    private static Map<String, Integer> pairs(String value) {
        Map<String, Integer> counts = new HashMap<>();
        for (String pair : value.split(",", -1)) {
            var match = PAIR.matcher(pair);
            if (!match.matches()) {
                throw refusal(value);
            }
            counts.put(match.group(1), Integer.parseInt(match.group(2)));
        }
        return counts;
    }

    private static TypeConversionException refusal(String value) {
        return new TypeConversionException(
                "'%s' is not of the form image=5,video=5 or {\"image\": 5, \"video\": 5}, each from 0 to 999999999"
                        .formatted(value));
    }
}

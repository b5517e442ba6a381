package dev.millrace.bench.serve;

import dev.millrace.model.InvalidInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A size of pictures or videos.
 *
 * @param frames 1 for a picture
 * @param weight how often it is drawn, beside the others' weights
 */
record MediaBucket(int height, int width, int frames, double weight) {

    private static final String ENTRY =
            "\\(\\s*([1-9]\\d{0,4})\\s*,\\s*([1-9]\\d{0,4})\\s*,\\s*([1-9]\\d{0,3})\\s*\\)\\s*:\\s*(\\d{1,9}(?:\\.\\d*)?|\\.\\d+)";
    private static final Pattern ONE = Pattern.compile(ENTRY);
    private static final Pattern ALL =
            Pattern.compile("\\s*\\{\\s*%s(\\s*,\\s*%s)*\\s*,?\\s*}\\s*".formatted(ENTRY, ENTRY));

    String modality() {
        return frames == 1 ? "image" : "video";
    }

    /** Reads Python's form of it, {@code {(256, 256, 1): 0.5, (720, 1280, 16): 0.5}}, and leaves out what is never drawn. */
    static List<MediaBucket> parse(String config) {
        List<MediaBucket> buckets = new ArrayList<>();
        if (ALL.matcher(config).matches()) {
            Matcher entry = ONE.matcher(config);
            while (entry.find()) {
                buckets.add(new MediaBucket(
                        Integer.parseInt(entry.group(1)),
                        Integer.parseInt(entry.group(2)),
                        Integer.parseInt(entry.group(3)),
                        Double.parseDouble(entry.group(4))));
            }
            buckets.removeIf(bucket -> bucket.weight() == 0);
        }
        if (buckets.isEmpty()) {
            throw new InvalidInputException(
                    "--random-mm-bucket-config is '%s'; sizes as (height, width, frames) with weights, not all 0, are allowed, such as {(256, 256, 1): 0.5, (720, 1280, 16): 0.5}"
                            .formatted(config),
                    "--random-mm-bucket-config");
        }
        return buckets;
    }
}

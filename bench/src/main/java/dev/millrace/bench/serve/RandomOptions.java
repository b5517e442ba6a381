package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.bench.figures.Count;
import dev.millrace.job.cli.JsonObject;
import dev.millrace.model.InvalidInputException;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** The data sets random and random-mm. */
final class RandomOptions {

    @Option(
            names = {"--random-input-len", "--input-len"},
            paramLabel = "TOKENS",
            converter = Count.class,
            description = "Random tokens of each prompt, on average (default: ${DEFAULT-VALUE}).")
    int inputLen = 1024;

    @Option(
            names = "--random-output-len",
            paramLabel = "TOKENS",
            converter = Count.class,
            description = "Tokens generated for each prompt, on average (default: ${DEFAULT-VALUE}).")
    int outputLen = 128;

    @Option(
            names = "--random-range-ratio",
            paramLabel = "RATIO",
            converter = Ratio.Converter.class,
            description = "How far both lengths may lie from those, as a share of them (default: ${DEFAULT-VALUE}).")
    Ratio rangeRatio = Ratio.ZERO;

    @Option(
            names = "--random-prefix-len",
            paramLabel = "TOKENS",
            description = "Tokens that all prompts begin with, beside those (default: ${DEFAULT-VALUE}).")
    int prefixLen;

    @Option(
            names = "--random-mm-base-items-per-request",
            paramLabel = "N",
            description = "random-mm: pictures and videos of each prompt, on average (default: ${DEFAULT-VALUE}).")
    int mediaItems = 1;

    @Option(
            names = "--random-mm-num-mm-items-range-ratio",
            paramLabel = "RATIO",
            converter = Ratio.Converter.class,
            description = "random-mm: how far their number may lie from that (default: ${DEFAULT-VALUE}).")
    Ratio mediaRangeRatio = Ratio.ZERO;

    @Option(
            names = "--random-mm-limit-mm-per-prompt",
            paramLabel = "JSON",
            converter = JsonObject.class,
            description =
                    "random-mm: how many of each kind a prompt may have (default: {\"image\": 255, \"video\": 1}).")
    ObjectNode limits;

    @Option(
            names = "--random-mm-bucket-config",
            paramLabel = "SIZES",
            description =
                    "random-mm: (height, width, frames) and how often each is drawn; one frame is a picture (default: ${DEFAULT-VALUE}).")
    String mediaBuckets = "{(256, 256, 1): 0.5, (720, 1280, 1): 0.5, (720, 1280, 16): 0.0}";

    /** By {@code image} and {@code video}. */
    Map<String, Integer> mediaLimits() {
        if (limits == null) {
            return Map.of("image", 255, "video", 1);
        }
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> limit : limits.properties()) {
            boolean known = limit.getKey().equals("image") || limit.getKey().equals("video");
            if (!known
                    || !limit.getValue().canConvertToInt()
                    || limit.getValue().intValue() < 0) {
                throw new InvalidInputException(
                        "--random-mm-limit-mm-per-prompt is %s; whole numbers from 0 for image and video are allowed, such as {\"image\": 3, \"video\": 0}"
                                .formatted(limits),
                        "--random-mm-limit-mm-per-prompt");
            }
            counts.put(limit.getKey(), limit.getValue().intValue());
        }
        return counts;
    }
}

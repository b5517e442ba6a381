package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Media parts of a message: {@code {"type":"image_url","image_url":{"url":…}}} (or the URL itself),
 * {@code {"type":"image","image":…}}, {@code {"type":"video","video":… or [frame, …],"fps":…}}. Options stand in the part,
 * as qwen-vl-utils has it, else in the body's {@code mm_processor_kwargs} and {@code media_io_kwargs.video}, as vLLM has it. There
 * {@code fps} may be a list with a rate for each video, as the model's own guide sends it.
 */
final class MediaJson {

    private static final Set<String> OPTIONS =
            Set.of("type", "uuid", "detail", "fps", "nframes", "num_frames", "min_pixels", "max_pixels");
    private static final Set<String> PROCESSOR_OPTIONS =
            Set.of("fps", "num_frames", "min_pixels", "max_pixels", "size");
    private static final Set<String> SIZES = Set.of("shortest_edge", "longest_edge");
    private static final Set<String> VIDEO_OPTIONS = Set.of("fps", "num_frames");

    private final MediaPart defaults;
    private final List<Double> rates; // of the videos in order; null: none are listed
    private int videos;

    /** @param body the request, whose options hold for each of its media */
    MediaJson(JsonFields body) throws MalformedRecordException {
        MediaPart.Builder builder = MediaPart.newBuilder().setKind(MediaKind.VIDEO);
        JsonFields processor = body.fields("mm_processor_kwargs");
        List<Double> listed = null;
        if (processor != null) {
            KnownFields.allowOnly(processor, PROCESSOR_OPTIONS);
            listed = takeRates(processor);
            readProcessorOptions(processor, builder);
        }
        JsonFields io = body.fields("media_io_kwargs");
        if (io != null) {
            KnownFields.allowOnly(io, Set.of("video"));
        }
        JsonFields video = io == null ? null : io.fields("video");
        if (video != null) {
            KnownFields.allowOnly(video, VIDEO_OPTIONS);
            readSampling(video, builder);
        }
        rates = video != null && samples(video) ? null : listed;
        defaults = builder.build();
    }

    /** The list of rates, taken out, or null where there is none. */
    private static List<Double> takeRates(JsonFields processor) throws MalformedRecordException {
        JsonNode fps = processor.node("fps");
        if (fps == null || !fps.isArray()) {
            return null;
        }
        List<Double> rates = processor.list("fps", JsonFields::number);
        processor.object().remove("fps");
        return rates;
    }

    /** Qwen's processor calls the bounds on pixels by the names that other models have for lengths of edges. */
    private static void readProcessorOptions(JsonFields processor, MediaPart.Builder builder)
            throws MalformedRecordException {
        readSampling(processor, builder);
        JsonFields size = processor.fields("size");
        if (size != null) {
            KnownFields.allowOnly(size, SIZES);
            builder.setMinPixels(size.integer("shortest_edge")).setMaxPixels(size.integer("longest_edge"));
        }
        builder.setMinPixels(or(processor.integer("min_pixels"), builder.getMinPixels()))
                .setMaxPixels(or(processor.integer("max_pixels"), builder.getMaxPixels()));
    }

    /** Either word replaces both, as neither means the same beside the other's default. */
    private static void readSampling(JsonFields options, MediaPart.Builder builder) throws MalformedRecordException {
        if (samples(options)) {
            builder.setFps(options.number("fps")).setNumFrames(options.integer("num_frames"));
        }
    }

    private static boolean samples(JsonFields options) {
        return options.has("fps") || options.has("num_frames");
    }

    /** Refuses a list of rates that has another length than there are videos, as the model's processor does. */
    void requireRatesForAll() throws MalformedRecordException {
        if (rates != null && rates.size() != videos) {
            throw new MalformedRecordException(
                    "mm_processor_kwargs.fps lists " + rates.size() + " rates for " + videos
                            + " videos; give one for each, or a number for all",
                    "mm_processor_kwargs.fps");
        }
    }

    MediaPart part(MediaKind kind, String type, JsonFields part) throws MalformedRecordException {
        KnownFields.allowOnly(part, union(OPTIONS, type));
        JsonNode source = part.node(type);
        if (source == null) {
            throw new MalformedRecordException(part.pathOf(type) + " is missing", part.pathOf(type));
        }
        MediaPart.Builder builder = options(kind, part);
        if (type.equals("video") && source.isArray()) {
            return builder.setFrames(part.list(type, MediaJson::frame)).build();
        }
        return builder.setUrl(url(source, part.pathOf(type))).build();
    }

    private MediaPart.Builder options(MediaKind kind, JsonFields part) throws MalformedRecordException {
        MediaPart.Builder builder = MediaPart.newBuilder()
                .setKind(kind)
                .setMinPixels(or(part.integer("min_pixels"), defaults.getMinPixels()))
                .setMaxPixels(or(part.integer("max_pixels"), defaults.getMaxPixels()));
        Integer frames = or(part.integer("num_frames"), part.integer("nframes"));
        Double fps = part.number("fps");
        if (kind == MediaKind.IMAGE) {
            return builder.setNumFrames(frames).setFps(fps);
        }
        Double listed = rates == null || videos >= rates.size() ? null : rates.get(videos);
        videos++;
        return frames != null || fps != null
                ? builder.setNumFrames(frames).setFps(fps)
                : builder.setNumFrames(defaults.getNumFrames()).setFps(or(listed, defaults.getFps()));
    }

    private static String url(JsonNode source, String path) throws MalformedRecordException {
        String url = source.isObject() ? JsonFields.of(source, path).text("url") : JsonFields.text(source, path);
        if (url == null) {
            throw new MalformedRecordException(path + ".url is missing", path + ".url");
        }
        return url;
    }

    /** A frame as a {@code data:} URL. */
    private static ByteBuffer frame(JsonNode node, String path) throws MalformedRecordException {
        String url = url(node, path);
        int comma = url.indexOf(',');
        if (!url.startsWith("data:") || comma < 0 || !url.substring(0, comma).endsWith(";base64")) {
            throw new MalformedRecordException(
                    path + " must be a data: URL in base64 (data:image/jpeg;base64,…), got " + Json.kind(node)
                            + "; frames elsewhere are best sent as a video file's URL",
                    path);
        }
        try {
            return ByteBuffer.wrap(Base64.getMimeDecoder().decode(url.substring(comma + 1)));
        } catch (IllegalArgumentException e) {
            throw new MalformedRecordException(path + " is no valid base64: " + e.getMessage(), path);
        }
    }

    private static Set<String> union(Set<String> set, String more) {
        Set<String> union = new HashSet<>(set);
        union.add(more);
        return union;
    }

    private static <T> T or(T value, T otherwise) {
        return value != null ? value : otherwise;
    }
}

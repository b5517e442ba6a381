package dev.millrace.job.cli;

import dev.millrace.operators.MediaSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** What pictures and videos are let in and how they are resized. Names and meanings are vLLM's. */
final class MediaOptions {

    @Option(
            names = "--limit-mm-per-prompt",
            paramLabel = "LIMITS",
            converter = MediaCounts.class,
            description = "Most pictures and videos in a prompt, as image=5,video=5 or {\"image\": 5, \"video\": 5}"
                    + " (default: 999 each).")
    private MediaCounts.Counts limits = MediaCounts.DEFAULT;

    @Option(
            names = "--mm-processor-kwargs",
            paramLabel = "JSON",
            converter = ProcessorKwargs.Converter.class,
            description = "Replaces the checkpoint's min_pixels, max_pixels and fps, as {\"max_pixels\": 50176}.")
    private ProcessorKwargs processor = ProcessorKwargs.NONE;

    @Option(
            names = "--allowed-local-media-path",
            paramLabel = "DIR",
            converter = Folder.class,
            description = "Folder under which file:// URLs may point (default: none may).")
    private Path allowedLocalMediaPath;

    @Option(
            names = "--allowed-media-domains",
            paramLabel = "DOMAIN",
            arity = "1..*",
            split = ",",
            description = "Hosts from which media may be fetched by http(s) (default: all public ones).")
    private List<String> allowedMediaDomains = new ArrayList<>();

    MediaSettings settings() {
        return new MediaSettings(
                limits.images(),
                limits.videos(),
                allowedLocalMediaPath == null
                        ? null
                        : allowedLocalMediaPath.toAbsolutePath().toString(),
                List.copyOf(allowedMediaDomains),
                processor.minPixels(),
                processor.maxPixels(),
                processor.fps());
    }
}

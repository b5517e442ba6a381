package dev.millrace.job.check;

import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaProcessor;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.media.VideoSampling;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Makes pictures and videos of the vectors' files as the engine does of a request's. */
final class FolderMedia {

    private final VectorFiles files;
    private final MediaProcessor processor;

    /**
     * @param model the folder whose preprocessor_config.json holds; Qwen2.5-VL's own where it has none
     */
    FolderMedia(VectorFiles files, Path model) {
        this.files = files;
        this.processor = new MediaProcessor(PreprocessorConfig.read(model), VideoSampling.DEFAULT, MediaLimits.DEFAULT);
    }

    /** A picture by its path relative to the folder of the vectors. */
    MediaItem image(String file) {
        return process(EncodedMedia.Kind.IMAGE, List.of(file));
    }

    /** A video by its frames' paths. */
    MediaItem video(List<String> frames, double secondsPerGrid) {
        MediaItem item = process(EncodedMedia.Kind.FRAMES, frames);
        return new MediaItem(
                item.key(), true, item.gridT(), item.gridH(), item.gridW(), secondsPerGrid, item.patches());
    }

    private MediaItem process(EncodedMedia.Kind kind, List<String> names) {
        List<byte[]> contents = names.stream().map(this::read).toList();
        return processor.process(new EncodedMedia(kind, contents, MediaOptions.DEFAULT), Integer.MAX_VALUE);
    }

    private byte[] read(String name) {
        Path file = files.resolve(name);
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": cannot be read: " + e, e);
        }
    }
}

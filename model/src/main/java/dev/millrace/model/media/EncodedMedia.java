package dev.millrace.model.media;

import dev.millrace.model.media.MediaSource.MediaOptions;
import java.util.List;

/**
 * A picture or a video as it was fetched: what is kept while a request lives, and from which its pixels can always be made
 * again.
 *
 * @param kind what {@code files} are
 * @param files encoded files: one picture, one video file, or a video's frames in order
 * @param options how it is sampled and resized
 */
public record EncodedMedia(Kind kind, List<byte[]> files, MediaOptions options) {

    /** What the files are. */
    public enum Kind {
        IMAGE,
        VIDEO,
        FRAMES
    }

    public boolean video() {
        return kind != Kind.IMAGE;
    }

    /** Size of the encoded files. */
    public long bytes() {
        return files.stream().mapToLong(file -> file.length).sum();
    }
}

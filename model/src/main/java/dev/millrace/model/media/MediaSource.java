package dev.millrace.model.media;

import java.util.List;

/**
 * A picture or a video as a user gives it: either a {@code url}, or the encoded bytes ({@code frames} holds one file, or
 * the frames of a video).
 *
 * @param video whether it is a video
 * @param url {@code data:}, {@code file:}, {@code http:} or {@code https:}; null where the bytes are given
 * @param files encoded files: one picture, one video file, or a video's frames in order; empty where a URL is given
 * @param framesGiven whether {@code files} are a video's frames rather than a video file
 * @param options how it is sampled and resized
 */
public record MediaSource(boolean video, String url, List<byte[]> files, boolean framesGiven, MediaOptions options) {

    /**
     * Null means the checkpoint's or the default.
     *
     * @param fps frames a second: of the given frames, or to sample from a file
     * @param numFrames frames to sample from a file, or {@link #ALL_FRAMES}
     * @param minPixels fewest pixels after resizing
     * @param maxPixels most pixels after resizing
     */
    public record MediaOptions(Double fps, Integer numFrames, Integer minPixels, Integer maxPixels) {
        public static final MediaOptions DEFAULT = new MediaOptions(null, null, null, null);

        /** As many frames as there are, as in vLLM. */
        public static final int ALL_FRAMES = -1;
    }
}

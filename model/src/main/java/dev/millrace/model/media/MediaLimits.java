package dev.millrace.model.media;

/**
 * What is refused before it costs anything: sizes are checked on the bytes that arrive and on the dimensions that a
 * file's header states, never after decoding.
 *
 * @param imageBytes most bytes of an encoded picture
 * @param videoBytes most bytes of an encoded video, or of all frames of a list
 * @param imagePixels most pixels of a decoded picture
 * @param framePixels most pixels of a frame of a video file, of which a decoder holds up to two dozen
 * @param videoFrames most frames of a video file, sampled or not
 * @param videoSeconds longest video
 * @param decodingBytes most memory that is used for decoding at a time
 */
public record MediaLimits(
        long imageBytes,
        long videoBytes,
        long imagePixels,
        long framePixels,
        int videoFrames,
        double videoSeconds,
        long decodingBytes) {

    /** 64 MiB a picture, 512 MiB a video, 100 megapixels, 8192x4320 a frame, 250,000 frames, two hours; a quarter of the heap. */
    public static final MediaLimits DEFAULT = new MediaLimits(
            64L << 20,
            512L << 20,
            100_000_000,
            8192 * 4320,
            250_000,
            7_200,
            Runtime.getRuntime().maxMemory() / 4);

    public long bytes(boolean video) {
        return video ? videoBytes : imageBytes;
    }
}

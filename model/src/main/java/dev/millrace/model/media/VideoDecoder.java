package dev.millrace.model.media;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.media.VideoReader.Info;
import java.io.IOException;
import java.util.Arrays;

/** Decodes video files: MP4, WebM and AVI by content. Safe for use by several threads. */
final class VideoDecoder {

    private final MediaLimits limits;

    VideoDecoder(MediaLimits limits) {
        this.limits = limits;
    }

    /**
     * What the container says; nothing is decoded.
     *
     * @throws InvalidInputException if it is no video, is cut off, or exceeds a limit
     */
    Info info(byte[] file) {
        FileFormat format = format(file);
        Info info;
        try (var reader = VideoReader.open(format, file)) {
            info = reader.info();
        } catch (IOException e) {
            throw undecodable(format, file, e.getMessage());
        }
        if (info.frames() == 0 || info.width() <= 0 || info.height() <= 0) {
            throw undecodable(format, file, "its header tells of no frames");
        }
        checkLimits(info);
        return info;
    }

    /**
     * Decodes the frames at the given indices, which are in order.
     *
     * @return how many frames the video has; where that is too few for the last index, the sink did not get all
     */
    int decode(byte[] file, Info info, int[] indices, VideoReader.FrameSink sink) {
        FileFormat format = format(file);
        int frames;
        try (var reader = VideoReader.open(format, file)) {
            frames = reader.decode(
                    limits.framePixels(),
                    frame -> Arrays.binarySearch(indices, frame) >= 0,
                    frame -> sink.accept(info.orientation().apply(frame)));
        } catch (IOException e) {
            throw undecodable(format, file, e.getMessage());
        }
        if (2 * frames < info.frames() || frames == 0) {
            throw undecodable(format, file, "only " + frames + " of its " + info.frames() + " frames can be decoded");
        }
        return frames;
    }

    private FileFormat format(byte[] file) {
        if (file.length > limits.videoBytes()) {
            throw new InvalidInputException(
                    "a video of " + file.length + " bytes is larger than the " + limits.videoBytes() + " allowed",
                    null);
        }
        FileFormat format = FileFormat.of(file);
        if (!format.isVideo()) {
            throw new InvalidInputException(
                    "cannot identify video file: found " + FileFormat.describe(file) + "; read are "
                            + FileFormat.VIDEOS,
                    null);
        }
        Completeness.check(format, file);
        return format;
    }

    private void checkLimits(Info info) {
        if ((long) info.width() * info.height() > limits.framePixels()) {
            throw new InvalidInputException(
                    "a video of " + info.width() + "x" + info.height() + " pixels is larger than the "
                            + limits.framePixels() + " pixels allowed; scale it down",
                    null);
        }
        if (info.frames() > limits.videoFrames()) {
            throw new InvalidInputException(
                    "a video of " + info.frames() + " frames is longer than the " + limits.videoFrames()
                            + " allowed; cut it",
                    null);
        }
        if (info.frames() / info.rate() > limits.videoSeconds()) {
            throw new InvalidInputException(
                    "a video of " + info.frames() / info.rate() + " seconds is longer than the " + limits.videoSeconds()
                            + " allowed; cut it",
                    null);
        }
    }

    private static InvalidInputException undecodable(FileFormat format, byte[] file, String why) {
        return new InvalidInputException(
                "cannot decode the video (" + format + ", " + file.length + " bytes), it is damaged or cut off: " + why,
                null);
    }
}

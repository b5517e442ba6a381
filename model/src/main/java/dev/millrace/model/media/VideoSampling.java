package dev.millrace.model.media;

import dev.millrace.model.media.MediaSource.MediaOptions;

/**
 * Which frames of a video file are looked at. Unless a request says {@code numFrames}, Qwen's rule holds (qwen-vl-utils
 * {@code smart_nframes}): frames at {@code fps}, an even number within bounds, evenly spread from the first to the last.
 * A request with {@code numFrames} gets vLLM's rule ({@code OpenCVVideoBackend}): that many or all, indices cut down to
 * whole numbers; with {@code fps} too, the fewer of both.
 *
 * @param fps frames a second where a request does not say
 * @param minFrames fewest frames by Qwen's rule, if the video has as many
 * @param maxFrames most frames by Qwen's rule
 */
public record VideoSampling(double fps, int minFrames, int maxFrames) {

    /** 2 frames a second, 4 to 768 in all: what the model was trained with. */
    public static final VideoSampling DEFAULT = new VideoSampling(2, 4, 768);

    private static final int FACTOR = 2;

    /**
     * Indices of the frames, in order.
     *
     * @param total frames of the video
     * @param rate frames a second of the video
     */
    int[] indices(int total, double rate, MediaOptions options) {
        if (options.numFrames() == null) {
            return spreadRounded(total, smartFrames(total, rate, options.fps() == null ? fps : options.fps()));
        }
        int count = options.numFrames() == MediaOptions.ALL_FRAMES ? total : Math.min(options.numFrames(), total);
        if (options.fps() != null) {
            count = (int) Math.min(count, Math.floor(total / rate * options.fps()));
        }
        return spreadDown(total, Math.max(count, 1));
    }

    private int smartFrames(int total, double rate, double fps) {
        int most = Math.min(maxFrames, total) / FACTOR * FACTOR;
        double wanted = Math.min(Math.max(total / rate * fps, minFrames), most);
        return Math.max((int) wanted / FACTOR * FACTOR, Math.min(FACTOR, total));
    }

    /** {@code torch.linspace(0, total − 1, count).round()}: 32-bit floats, counted from the nearer end, half to even. */
    private static int[] spreadRounded(int total, int count) {
        int[] indices = new int[count];
        float last = total - 1;
        float step = count > 1 ? last / (count - 1) : 0;
        for (int i = 0; i < count; i++) {
            indices[i] = (int) Math.rint(i < count / 2 ? step * i : last - step * (count - 1 - i));
        }
        return indices;
    }

    /** {@code numpy.linspace(0, total − 1, count, dtype=int)}. */
    private static int[] spreadDown(int total, int count) {
        int[] indices = new int[count];
        double step = count > 1 ? (double) (total - 1) / (count - 1) : 0;
        for (int i = 1; i < count; i++) {
            indices[i] = i == count - 1 ? total - 1 : (int) Math.floor(i * step);
        }
        return indices;
    }
}

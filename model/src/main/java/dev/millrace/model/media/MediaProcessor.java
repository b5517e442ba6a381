package dev.millrace.model.media;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.model.media.SmartResize.Size;
import dev.millrace.model.media.VideoReader.Info;
import java.util.List;

/**
 * Makes what the vision tower takes of encoded pictures and videos. Safe for use by several threads; nothing is decoded
 * before its header was found acceptable, and of a video one frame at a time is held as it was decoded.
 */
public final class MediaProcessor {

    private final PreprocessorConfig config;
    private final VideoSampling sampling;
    private final PixelScale scale;
    private final ImageDecoder images;
    private final VideoDecoder videos;
    private final DecodingMemory memory;

    public MediaProcessor(PreprocessorConfig config, VideoSampling sampling, MediaLimits limits) {
        this.config = config;
        this.sampling = sampling;
        this.scale = new PixelScale(config.imageMean(), config.imageStd());
        this.images = new ImageDecoder(limits);
        this.videos = new VideoDecoder(limits);
        this.memory = new DecodingMemory(limits.decodingBytes());
    }

    /**
     * @param maxTokens most tokens that the item may take in its prompt
     * @throws InvalidInputException if the item is not what it should be, is damaged, or too large
     */
    public MediaItem process(EncodedMedia media, int maxTokens) {
        check(media.options());
        return switch (media.kind()) {
            case IMAGE -> image(media.files().get(0), media.options(), maxTokens);
            case FRAMES -> frames(media.files(), media.options(), maxTokens);
            case VIDEO -> video(media.files().get(0), media.options(), maxTokens);
        };
    }

    private MediaItem image(byte[] file, MediaOptions options, int maxTokens) {
        Size size = images.size(file);
        MediaGrid grid = grid(1, size, options, maxTokens);
        return memory.decode(size, () -> patches(grid).add(images.decode(file)).build(false, 0));
    }

    private MediaItem frames(List<byte[]> files, MediaOptions options, int maxTokens) {
        if (files.isEmpty()) {
            throw new InvalidInputException("a video given as frames has none; give at least one", null);
        }
        Size size = images.size(files.get(0));
        for (int i = 1; i < files.size(); i++) {
            Size other = images.size(files.get(i));
            if (!other.equals(size)) {
                throw new InvalidInputException(
                        "frame " + i + " of a video has " + other.width() + "x" + other.height()
                                + " pixels and frame 0 " + size.width() + "x" + size.height()
                                + "; all must be of one size",
                        null);
            }
        }
        MediaGrid grid = grid(files.size(), size, options, maxTokens);
        double fps = options.fps() == null ? sampling.fps() : options.fps();
        return memory.decode(size, () -> {
            var patches = patches(grid);
            files.forEach(file -> patches.add(images.decode(file)));
            return patches.build(true, config.temporalPatchSize() / fps);
        });
    }

    private MediaItem video(byte[] file, MediaOptions options, int maxTokens) {
        var info = videos.info(file);
        return memory.decode(info.upright(), () -> video(file, info, options, maxTokens));
    }

    private MediaItem video(byte[] file, Info info, MediaOptions options, int maxTokens) {
        int[] indices = sampling.indices(info.frames(), info.rate(), options);
        var patches = patches(grid(indices.length, info.upright(), options, maxTokens));
        int frames = videos.decode(file, info, indices, patches::add);
        if (frames <= indices[indices.length - 1]) {
            // some packets show nothing: sample anew from what there is
            return video(file, info.withFrames(frames), options, maxTokens);
        }
        double fps = indices.length * info.rate() / info.frames();
        return patches.build(true, config.temporalPatchSize() / fps);
    }

    private MediaGrid grid(int frames, Size size, MediaOptions options, int maxTokens) {
        int factor = config.patchSize() * config.mergeSize();
        long min = options.minPixels() == null ? config.minPixels() : options.minPixels();
        long max = options.maxPixels() == null ? Math.max(min, config.maxPixels()) : options.maxPixels();
        min = options.minPixels() == null ? Math.min(min, max) : min;
        var grid = MediaGrid.of(frames, SmartResize.of(size.height(), size.width(), factor, min, max), config);
        if (grid.numTokens() > maxTokens) {
            throw new InvalidInputException(
                    "the item takes " + grid.numTokens() + " tokens (" + grid.t() + " times " + grid.width() + "x"
                            + grid.height() + " pixels), and the model's context has room for " + maxTokens
                            + "; lower max_pixels" + (frames > 1 ? ", fps or num_frames" : ""),
                    null);
        }
        return grid;
    }

    private PatchBuilder patches(MediaGrid grid) {
        return new PatchBuilder(config, scale, grid);
    }

    private static void check(MediaOptions options) {
        Double fps = options.fps();
        require(fps == null || fps > 0 && fps <= 1000, "fps", fps, "above 0 and at most 1000");
        Integer frames = options.numFrames();
        boolean all = frames == null || frames == MediaOptions.ALL_FRAMES;
        require(all || frames > 0, "num_frames", frames, "at least 1, or -1 for all");
        Integer min = options.minPixels();
        require(min == null || min > 0, "min_pixels", min, "at least 1");
        Integer max = options.maxPixels();
        require(max == null || max > 0, "max_pixels", max, "at least 1");
        require(min == null || max == null || min <= max, "min_pixels", min, "at most max_pixels, " + max);
    }

    private static void require(boolean right, String param, Object value, String allowed) {
        if (!right) {
            throw new InvalidInputException(param + " must be " + allowed + ", got " + value, param);
        }
    }
}

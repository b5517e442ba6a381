package dev.millrace.model.media;

import dev.millrace.model.config.PreprocessorConfig;

/**
 * Makes one item of its frames, in order: each is resized, normalised, cut into patches and hashed as it comes, so that no
 * more than one decoded frame is held.
 */
final class PatchBuilder {

    private final PreprocessorConfig config;
    private final PixelScale scale;
    private final MediaGrid grid;
    private final float[] patches;
    private final MediaKey.Hasher hasher = new MediaKey.Hasher();
    private int frames;
    private RgbImage last;

    PatchBuilder(PreprocessorConfig config, PixelScale scale, MediaGrid grid) {
        this.config = config;
        this.scale = scale;
        this.grid = grid;
        int length = 3 * config.temporalPatchSize() * config.patchSize() * config.patchSize();
        this.patches = new float[Math.multiplyExact(grid.numPatches(), length)];
    }

    PatchBuilder add(RgbImage frame) {
        last = BicubicResize.resize(frame, grid.height(), grid.width());
        hasher.add(last.rgb());
        write(last);
        return this;
    }

    /**
     * The finished item; the last frame is repeated until its patches are full along time.
     *
     * @param secondsPerGrid video time between two patches along time; 0 for a picture
     */
    MediaItem build(boolean video, double secondsPerGrid) {
        while (frames < grid.t() * config.temporalPatchSize()) {
            write(last);
        }
        MediaKey key = hasher.add(video ? 1 : 0, grid.t(), grid.h(), grid.w())
                .add(secondsPerGrid)
                .key();
        return new MediaItem(key, video, grid.t(), grid.h(), grid.w(), config.mergeSize(), secondsPerGrid, patches);
    }

    private void write(RgbImage frame) {
        int patch = config.patchSize();
        int channel = config.temporalPatchSize() * patch * patch;
        int t = frames / config.temporalPatchSize();
        int slot = frames % config.temporalPatchSize() * patch * patch;
        for (int y = 0, i = 0; y < grid.height(); y++) {
            int line = slot + y % patch * patch;
            for (int w = 0; w < grid.w(); w++, i += 3 * patch) {
                int at = grid.index(t, y / patch, w) * 3 * channel + line;
                scale.copy(frame.rgb(), i, patch, patches, at, channel);
            }
        }
        frames++;
    }
}

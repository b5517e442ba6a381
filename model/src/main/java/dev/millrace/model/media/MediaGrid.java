package dev.millrace.model.media;

import dev.millrace.model.config.PreprocessorConfig;

/**
 * How an item is cut into patches, known before a pixel is decoded.
 *
 * @param t patches along time
 * @param h patches along height
 * @param w patches along width
 */
record MediaGrid(int t, int h, int w, int patchSize, int mergeSize) {

    static MediaGrid of(int frames, SmartResize.Size size, PreprocessorConfig config) {
        int patch = config.patchSize();
        return new MediaGrid(
                (frames + config.temporalPatchSize() - 1) / config.temporalPatchSize(),
                size.height() / patch,
                size.width() / patch,
                patch,
                config.mergeSize());
    }

    int height() {
        return h * patchSize;
    }

    int width() {
        return w * patchSize;
    }

    int numPatches() {
        return Math.multiplyExact(t, Math.multiplyExact(h, w));
    }

    long numTokens() {
        return (long) t * h * w / (mergeSize * mergeSize);
    }

    /** A patch's place: cells of {@code mergeSize²} patches lie together, in row order outside and inside. */
    int index(int time, int row, int column) {
        int cell = (time * (h / mergeSize) + row / mergeSize) * (w / mergeSize) + column / mergeSize;
        return (cell * mergeSize + row % mergeSize) * mergeSize + column % mergeSize;
    }
}

package dev.millrace.model.media;

/**
 * A picture or a video, ready for the vision tower.
 *
 * @param key what tells its embeddings from any other's: a hash over pixels, grid and seconds a grid
 * @param video whether it is a video
 * @param gridT patches along time
 * @param gridH patches along height
 * @param gridW patches along width
 * @param mergeSize patches along the side of what becomes one token
 * @param secondsPerGrid video time between two patches along time; 0 for a picture
 * @param patches [gridT·gridH·gridW, patch length] normalised pixels: outside (t, h/merge, w/merge, merge, merge), inside
 *     (channel, temporal patch, patch, patch); the patch length is 1176 in released models
 */
public record MediaItem(
        MediaKey key,
        boolean video,
        int gridT,
        int gridH,
        int gridW,
        int mergeSize,
        double secondsPerGrid,
        float[] patches) {

    /** An item of a model that merges 2 by 2 patches, as every released one does. */
    public MediaItem(
            MediaKey key, boolean video, int gridT, int gridH, int gridW, double secondsPerGrid, float[] patches) {
        this(key, video, gridT, gridH, gridW, 2, secondsPerGrid, patches);
    }

    public int numPatches() {
        return gridT * gridH * gridW;
    }

    /** Placeholder tokens it takes in the prompt, {@code mergeSize²} patches each. */
    public int numTokens() {
        return numPatches() / (mergeSize * mergeSize);
    }
}

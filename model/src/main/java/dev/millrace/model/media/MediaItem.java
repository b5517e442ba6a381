package dev.millrace.model.media;

/**
 * A picture or a video, ready for the vision tower.
 *
 * @param key what tells its embeddings from any other's: a hash over patches, grid and seconds a grid
 * @param video whether it is a video
 * @param gridT patches along time
 * @param gridH patches along height
 * @param gridW patches along width
 * @param secondsPerGrid video time between two patches along time; 0 for a picture
 * @param patches [gridT·gridH·gridW, 1176] normalised pixels: outside (t, h/2, w/2, 2, 2), inside (channel, 2, 14, 14)
 */
public record MediaItem(
        MediaKey key, boolean video, int gridT, int gridH, int gridW, double secondsPerGrid, float[] patches) {

    public int numPatches() {
        return gridT * gridH * gridW;
    }

    /** Placeholder tokens it takes in the prompt, {@code mergeSize²} patches each. */
    public int numTokens() {
        return numPatches() / 4;
    }
}

package dev.millrace.model.prompt;

/**
 * What a prompt may hold.
 *
 * @param maxModelLen most tokens of a sequence; a prompt must leave room for one
 * @param maxImages most pictures in a prompt
 * @param maxVideos most videos in a prompt
 * @param maxMediaBytes most bytes of a prompt's encoded media together
 */
public record PromptLimits(int maxModelLen, int maxImages, int maxVideos, long maxMediaBytes) {

    private static final int MAX_ITEMS = 999;

    /** vLLM's 999 pictures and 999 videos, and 256 MiB. */
    public static PromptLimits of(int maxModelLen) {
        return new PromptLimits(maxModelLen, MAX_ITEMS, MAX_ITEMS, 256L << 20);
    }
}

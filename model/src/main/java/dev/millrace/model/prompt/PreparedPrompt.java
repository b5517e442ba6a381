package dev.millrace.model.prompt;

import dev.millrace.model.media.MediaItem;
import java.util.List;

/**
 * A prompt as the engine takes it.
 *
 * @param tokenIds the tokens, each media item's placeholder repeated {@link MediaItem#numTokens()} times
 * @param media the media items in order of their spans
 * @param positions m-rope positions of the prompt's tokens and of those that follow
 */
public record PreparedPrompt(int[] tokenIds, List<MediaSpan> media, MropePositions positions) {

    /** A prompt without media. */
    public static PreparedPrompt text(int[] tokenIds) {
        return new PreparedPrompt(tokenIds, List.of(), MropePositions.text(tokenIds.length));
    }

    /**
     * Where a media item's placeholders are.
     *
     * @param start index of the first placeholder token
     * @param item the item
     */
    public record MediaSpan(int start, MediaItem item) {
        public int end() {
            return start + item.numTokens();
        }
    }
}

package dev.millrace.model.executor;

import dev.millrace.model.media.MediaItem;

/**
 * A picture or video to be encoded.
 *
 * @param item its patches
 * @param rows [item.numTokens()] rows of the media buffer that receive its embeddings, in the order of its tokens
 */
public record MediaInput(MediaItem item, int[] rows) {}

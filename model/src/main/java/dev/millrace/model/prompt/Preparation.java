package dev.millrace.model.prompt;

import dev.millrace.model.media.EncodedMedia;
import java.util.List;

/**
 * A prepared prompt, and what is kept to prepare it again.
 *
 * @param prompt what the engine takes
 * @param media the media as fetched, in the order of the prompt's spans
 */
public record Preparation(PreparedPrompt prompt, List<EncodedMedia> media) {}

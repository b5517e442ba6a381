package dev.millrace.operators;

import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.operators.sequence.GenerationParams;
import java.util.List;

/**
 * A request that the engine can take.
 *
 * @param params resolved parameters, fit to the prompt's length
 * @param prompt its tokens and pixels
 * @param media the media as fetched, in the order of the prompt's
 * @param choices answers wanted, at least 1
 * @param grammar what the answers are bound to, or null
 */
record PreparedRequest(
        GenerationParams params, PreparedPrompt prompt, List<EncodedMedia> media, int choices, Grammar grammar) {

    private static final long CHOICE_BYTES = 1_024; // what a choice without tokens takes, roughly

    int[] mediaStarts() {
        return prompt.media().stream().mapToInt(MediaSpan::start).toArray();
    }

    /** Bytes that a checkpoint keeps. */
    long contentBytes() {
        return 4L * prompt.tokenIds().length
                + (choices - 1) * CHOICE_BYTES
                + (params.grammar() == null ? 0 : params.grammar().text().length())
                + media.stream().mapToLong(EncodedMedia::bytes).sum();
    }

    /** Bytes of decoded pixels and of the grammar, which no checkpoint keeps. */
    long heldBytes() {
        long pixels = prompt.media().stream()
                .mapToLong(span -> 4L * span.item().patches().length)
                .sum();
        return pixels + (grammar == null ? 0 : grammar.bytes());
    }
}

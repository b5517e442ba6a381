package dev.millrace.operators.state;

import dev.millrace.model.media.EncodedMedia;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.schemas.PromptRequest;
import java.time.Instant;
import java.util.List;

/**
 * An unfinished request as a checkpoint keeps it: enough to go on with the same tokens. Never changed once it is made, so
 * that it can be written while the request goes on.
 *
 * @param header how it is addressed
 * @param arrival its number in order of arrival at its subtask
 * @param arrivedAt when it arrived
 * @param work what is known of it
 */
public record RequestSnapshot(RequestHeader header, long arrival, Instant arrivedAt, Work work) {

    /** What is known of a request. */
    public sealed interface Work {}

    /** Neither tokens nor media were made yet; all is done again. */
    public record Unprepared(PromptRequest request) implements Work {}

    /**
     * The prompt is known. Media are kept as fetched: their pixels are made again, nothing is fetched twice.
     *
     * @param params resolved parameters, the seed among them
     * @param promptIds the prompt's tokens, media placeholders included
     * @param mediaStarts where each media item's placeholders start
     * @param media the media in order of their placeholders
     * @param choices the answers, in order
     */
    public record Prepared(
            GenerationParams params,
            int[] promptIds,
            int[] mediaStarts,
            List<EncodedMedia> media,
            List<ChoiceSnapshot> choices)
            implements Work {}

    /**
     * How far one answer came.
     *
     * @param tokens tokens that were handled, and emitted if a text was to be
     * @param emittedChars characters that were emitted
     * @param finish why it ended, or null
     * @param cumulativeLogprob sum of the tokens' log-probabilities, where they were asked for
     * @param scheduledAt when its first step was launched, or null
     * @param cachedTokens prompt tokens that came from the prefix cache then
     * @param promptLogprobs log-probabilities of prompt tokens that were emitted
     */
    public record ChoiceSnapshot(
            int[] tokens,
            int emittedChars,
            FinishReason finish,
            double cumulativeLogprob,
            Instant scheduledAt,
            int cachedTokens,
            int promptLogprobs) {}
}

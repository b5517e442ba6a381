package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.schemas.SamplingOptions;

/**
 * How beams are searched for, as vLLM does: {@code n} is their number, each step takes the {@code 2n} likeliest tokens of
 * each under the raw logits. What says how a token is drawn among them (temperature, top_p, seed and so on) changes nothing;
 * what would change which tokens there are is refused, where vLLM passes it over in silence.
 */
final class BeamResolver {

    private static final int MAX_BEAMS = 256; // each step compares twice their square

    private final int mostLogprobs;

    /**
     * @param mostLogprobs most candidates of a token
     */
    BeamResolver(int mostLogprobs) {
        this.mostLogprobs = mostLogprobs;
    }

    /**
     * @throws InvalidInputException if a value is out of its range, or does not go with beams
     */
    BeamParams resolve(SamplingOptions options, GenerationParams generation) {
        refuse("presence_penalty", isNeither(options.getPresencePenalty(), 0));
        refuse("frequency_penalty", isNeither(options.getFrequencyPenalty(), 0));
        refuse("repetition_penalty", isNeither(options.getRepetitionPenalty(), 1));
        refuse("logit_bias", !options.getLogitBias().isEmpty());
        refuse("allowed_token_ids", options.getAllowedTokenIds() != null);
        refuse("bad_words", !options.getBadWords().isEmpty());
        refuse("min_tokens", generation.sampling().minTokens() > 0);
        refuse("stop", !options.getStop().isEmpty());
        refuse("stop_token_ids", !options.getStopTokenIds().isEmpty());
        refuse("structured_outputs", generation.grammar() != null);
        refuse("prompt_logprobs", generation.promptLogprobs() >= 0);
        refuse("structured_outputs", generation.grammar() != null);
        int width = options.getN() == null ? 1 : options.getN();
        Require.that(width >= 1, "n", "n must be at least 1, got %d.", width);
        Require.that(width <= MAX_BEAMS, "n", "n must be at most %d with beam search, got %d.", MAX_BEAMS, width);
        Require.that(
                2L * width <= mostLogprobs,
                "n",
                "Beam search with n=%d requested sample logprobs of %d, which is greater than max allowed: %d",
                width,
                2L * width,
                mostLogprobs);
        double lengthPenalty = options.getLengthPenalty();
        Require.finite(lengthPenalty, "length_penalty");
        return new BeamParams(width, lengthPenalty, options.getEarlyStopping());
    }

    private static boolean isNeither(Double given, double neutral) {
        return given != null && given != neutral;
    }

    private static void refuse(String param, boolean given) {
        Require.that(!given, param, "%s is not supported with beam search; leave it out.", param);
    }
}

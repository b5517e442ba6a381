package dev.millrace.model.sampling;

/**
 * How one sequence's tokens are drawn: valid, resolved values. Names and meanings are vLLM's.
 *
 * @param temperature 0 is greedy, else ≥ 0.01
 * @param topP in (0, 1]; 1 for all
 * @param topK 0 for all
 * @param minP in [0, 1]
 * @param repetitionPenalty above 0; 1 for none; over prompt and output
 * @param presencePenalty over the output
 * @param frequencyPenalty over the output
 * @param seed the noise key's first part
 * @param biasIds tokens whose logits are biased
 * @param biasValues what is added to them
 * @param allowedIds the only tokens that may be drawn, ascending, or null for all
 * @param bannedIds tokens that may never be drawn
 * @param minTokens until so many tokens were generated, {@code stopIds} are not drawn
 * @param stopIds end-of-sequence and stop tokens
 */
public record SamplingParams(
        float temperature,
        float topP,
        int topK,
        float minP,
        float repetitionPenalty,
        float presencePenalty,
        float frequencyPenalty,
        long seed,
        int[] biasIds,
        float[] biasValues,
        int[] allowedIds,
        int[] bannedIds,
        int minTokens,
        int[] stopIds) {

    private static final int[] NO_IDS = {};

    /** The likeliest token, always. */
    public static SamplingParams greedy() {
        return new SamplingParams(0, 1, 0, 0, 1, 0, 0, 0, NO_IDS, new float[0], null, NO_IDS, 0, NO_IDS);
    }

    public boolean isGreedy() {
        return temperature == 0;
    }

    /** Whether a draw depends on the tokens before it. */
    public boolean hasPenalties() {
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
    }
}

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
        return builder().build();
    }

    /** Parameters that ask for nothing but the likeliest token until they are told more. */
    public static Builder builder() {
        return new Builder();
    }

    public boolean isGreedy() {
        return temperature == 0;
    }

    /** Whether a draw depends on the tokens before it. */
    public boolean hasPenalties() {
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
    }

    /** Takes parameters by their names; what is not said stays as in {@link SamplingParams#greedy}. */
    public static final class Builder {

        private float temperature;
        private float topP = 1;
        private int topK;
        private float minP;
        private float repetitionPenalty = 1;
        private float presencePenalty;
        private float frequencyPenalty;
        private long seed;
        private int[] biasIds = NO_IDS;
        private float[] biasValues = {};
        private int[] allowedIds;
        private int[] bannedIds = NO_IDS;
        private int minTokens;
        private int[] stopIds = NO_IDS;

        private Builder() {}

        public Builder temperature(float value) {
            temperature = value;
            return this;
        }

        public Builder topP(float value) {
            topP = value;
            return this;
        }

        public Builder topK(int value) {
            topK = value;
            return this;
        }

        public Builder minP(float value) {
            minP = value;
            return this;
        }

        public Builder repetitionPenalty(float value) {
            repetitionPenalty = value;
            return this;
        }

        public Builder presencePenalty(float value) {
            presencePenalty = value;
            return this;
        }

        public Builder frequencyPenalty(float value) {
            frequencyPenalty = value;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder bias(int[] ids, float[] values) {
            biasIds = ids;
            biasValues = values;
            return this;
        }

        public Builder allowedIds(int... value) {
            allowedIds = value;
            return this;
        }

        public Builder bannedIds(int... value) {
            bannedIds = value;
            return this;
        }

        public Builder minTokens(int value) {
            minTokens = value;
            return this;
        }

        public Builder stopIds(int... value) {
            stopIds = value;
            return this;
        }

        public SamplingParams build() {
            return new SamplingParams(
                    temperature,
                    topP,
                    topK,
                    minP,
                    repetitionPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    seed,
                    biasIds,
                    biasValues,
                    allowedIds,
                    bannedIds,
                    minTokens,
                    stopIds);
        }
    }
}

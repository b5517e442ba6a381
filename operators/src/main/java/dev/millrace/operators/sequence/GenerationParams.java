package dev.millrace.operators.sequence;

import dev.millrace.model.grammar.GrammarSource;
import dev.millrace.model.sampling.SamplingParams;
import java.util.List;

/**
 * How one answer is generated: valid, resolved values.
 *
 * @param sampling how tokens are drawn
 * @param maxTokens most tokens to generate, at least 1; already cut to what the context holds
 * @param stopTokenIds tokens that end the answer and are not part of its text, beside end-of-sequence
 * @param eosTokenIds the model's end-of-sequence tokens; empty where they are ignored
 * @param stop texts that end the answer
 * @param includeStop keeps the stop text in the answer
 * @param skipSpecialTokens leaves special tokens out of the text
 * @param logprobs −1: none; k ≥ 0: the chosen token's and the k likeliest
 * @param promptLogprobs −1: none; k ≥ 0: each prompt token's and the k likeliest
 * @param echo whether the prompt's text comes before the answer
 * @param badWords token sequences of two and more tokens whose last token may not follow the others
 * @param beams how beams are searched for; null where tokens are drawn
 * @param grammar what the answer must look like, or null
 */
public record GenerationParams(
        SamplingParams sampling,
        int maxTokens,
        int[] stopTokenIds,
        int[] eosTokenIds,
        List<String> stop,
        boolean includeStop,
        boolean skipSpecialTokens,
        int logprobs,
        int promptLogprobs,
        boolean echo,
        List<int[]> badWords,
        BeamParams beams,
        GrammarSource grammar) {

    private static final int NONE = -1;

    /**
     * An answer of the tokens' text, which ends with its last token, until more is told.
     *
     * @param maxTokens most tokens to generate, at least 1
     */
    public static Builder builder(SamplingParams sampling, int maxTokens) {
        return new Builder(sampling, maxTokens);
    }

    /** The same, searched for in beams. */
    public GenerationParams withBeams(BeamParams search) {
        return toBuilder().beams(search).build();
    }

    /** The same with at most so many tokens. */
    public GenerationParams withMaxTokens(int most) {
        return toBuilder().maxTokens(most).build();
    }

    /** One that begins with what these say. */
    public Builder toBuilder() {
        return builder(sampling, maxTokens)
                .stopTokenIds(stopTokenIds)
                .eosTokenIds(eosTokenIds)
                .stop(stop)
                .includeStop(includeStop)
                .skipSpecialTokens(skipSpecialTokens)
                .logprobs(logprobs)
                .promptLogprobs(promptLogprobs)
                .echo(echo)
                .badWords(badWords)
                .beams(beams)
                .grammar(grammar);
    }

    /** Takes parameters by their names. */
    public static final class Builder {

        private final SamplingParams sampling;
        private int maxTokens;
        private int[] stopTokenIds = {};
        private int[] eosTokenIds = {};
        private List<String> stop = List.of();
        private boolean includeStop;
        private boolean skipSpecialTokens = true;
        private int logprobs = NONE;
        private int promptLogprobs = NONE;
        private boolean echo;
        private List<int[]> badWords = List.of();
        private BeamParams beams;
        private GrammarSource grammar;

        private Builder(SamplingParams sampling, int maxTokens) {
            this.sampling = sampling;
            this.maxTokens = maxTokens;
        }

        public Builder maxTokens(int value) {
            maxTokens = value;
            return this;
        }

        public Builder stopTokenIds(int... value) {
            stopTokenIds = value;
            return this;
        }

        public Builder eosTokenIds(int... value) {
            eosTokenIds = value;
            return this;
        }

        public Builder stop(List<String> value) {
            stop = value;
            return this;
        }

        public Builder includeStop(boolean value) {
            includeStop = value;
            return this;
        }

        public Builder skipSpecialTokens(boolean value) {
            skipSpecialTokens = value;
            return this;
        }

        public Builder logprobs(int value) {
            logprobs = value;
            return this;
        }

        public Builder promptLogprobs(int value) {
            promptLogprobs = value;
            return this;
        }

        public Builder echo(boolean value) {
            echo = value;
            return this;
        }

        public Builder badWords(List<int[]> value) {
            badWords = value;
            return this;
        }

        public Builder beams(BeamParams value) {
            beams = value;
            return this;
        }

        public Builder grammar(GrammarSource value) {
            grammar = value;
            return this;
        }

        public GenerationParams build() {
            return new GenerationParams(
                    sampling,
                    maxTokens,
                    stopTokenIds,
                    eosTokenIds,
                    stop,
                    includeStop,
                    skipSpecialTokens,
                    logprobs,
                    promptLogprobs,
                    echo,
                    badWords,
                    beams,
                    grammar);
        }
    }
}

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

    /** With nothing of the prompt in the answer, and no grammar. */
    public GenerationParams(
            SamplingParams sampling,
            int maxTokens,
            int[] stopTokenIds,
            int[] eosTokenIds,
            List<String> stop,
            boolean includeStop,
            boolean skipSpecialTokens,
            int logprobs,
            List<int[]> badWords) {
        this(
                sampling,
                maxTokens,
                stopTokenIds,
                eosTokenIds,
                stop,
                includeStop,
                skipSpecialTokens,
                logprobs,
                -1,
                false,
                badWords,
                null,
                null);
    }

    /** The same with log-probabilities of the prompt, or its text. */
    public GenerationParams withPrompt(int logprobsOfPrompt, boolean echoed) {
        return new GenerationParams(
                sampling,
                maxTokens,
                stopTokenIds,
                eosTokenIds,
                stop,
                includeStop,
                skipSpecialTokens,
                logprobs,
                logprobsOfPrompt,
                echoed,
                badWords,
                beams,
                grammar);
    }

    /** The same bound to a grammar. */
    public GenerationParams withGrammar(GrammarSource source) {
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
                source);
    }

    /** The same, searched for in beams. */
    public GenerationParams withBeams(BeamParams search) {
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
                search,
                grammar);
    }

    /** The same with at most so many tokens. */
    public GenerationParams withMaxTokens(int most) {
        return new GenerationParams(
                sampling,
                most,
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

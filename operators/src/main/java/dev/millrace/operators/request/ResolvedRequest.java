package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.prompt.PromptInput;
import dev.millrace.operators.sequence.GenerationParams;

/**
 * A request with every value checked and filled in, but for what depends on the prompt's length.
 *
 * @param prompt what is asked
 * @param params how the answer is generated; {@code maxTokens} is the most that may be wanted, whatever the context holds
 * @param askedTokens the {@code max_tokens} that the request itself gives, or null
 * @param choices answers wanted, at least 1
 */
public record ResolvedRequest(PromptInput prompt, GenerationParams params, Integer askedTokens, int choices) {

    /**
     * The parameters for a prompt of so many tokens, fewer than {@code maxModelLen}. As in vLLM, an answer that is asked for and cannot fit is refused,
     * one that is left open takes what is left of the context.
     *
     * @throws InvalidInputException if prompt and answer do not fit into {@code maxModelLen} tokens
     */
    public GenerationParams fit(int promptTokens, int maxModelLen) {
        Require.that(
                askedTokens == null || askedTokens <= maxModelLen - promptTokens,
                "max_tokens",
                "This model's maximum context length is %d tokens. However, you requested %d output tokens and your"
                        + " prompt contains %d input tokens, for a total of %d tokens. Please reduce the length of the"
                        + " input prompt or the number of requested output tokens.",
                maxModelLen,
                askedTokens,
                promptTokens,
                promptTokens + (askedTokens == null ? 0L : askedTokens));
        int maxTokens = Math.min(params.maxTokens(), maxModelLen - promptTokens);
        Require.that(
                params.sampling().minTokens() <= maxTokens,
                "min_tokens",
                "min_tokens must be less than or equal to max_tokens=%d, got %d.",
                maxTokens,
                params.sampling().minTokens());
        return params.withMaxTokens(maxTokens);
    }
}

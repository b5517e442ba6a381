package dev.millrace.gateway.openai;

/**
 * What the server's operator says about answers, by vLLM's flags.
 *
 * @param role who answers in a conversation ({@code --response-role})
 * @param cachedTokens whether usage tells the prompt tokens that were cached ({@code --enable-prompt-tokens-details})
 * @param forceUsage whether every stream ends with its usage ({@code --enable-force-include-usage})
 * @param tokensAsIds whether log-probabilities name tokens {@code token_id:N} ({@code --return-tokens-as-token-ids})
 */
public record AnswerStyle(String role, boolean cachedTokens, boolean forceUsage, boolean tokensAsIds) {

    public static final AnswerStyle DEFAULT = new AnswerStyle("assistant", false, false, false);
}

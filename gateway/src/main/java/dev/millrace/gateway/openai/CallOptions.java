package dev.millrace.gateway.openai;

/**
 * How a call wants its answer written.
 *
 * @param id names the answer
 * @param created seconds since 1970
 * @param model the name under which the model is served
 * @param choices answers wanted for each prompt
 * @param stream whether chunks are sent as they come
 * @param includeUsage whether the last chunk tells what the answer took
 * @param continuousUsage whether every chunk does
 * @param topLogprobs likeliest tokens told at each position; −1: no log-probabilities at all; {@code ALL_LOGPROBS}: as many as come
 * @param tokenIds whether token ids are told
 * @param tokensAsIds whether log-probabilities name tokens {@code token_id:N}
 * @param cachedTokens whether the usage tells the prompt tokens that were cached
 * @param role who speaks, in a conversation
 * @param prefix what stands before each answer of a conversation, where the last message is echoed; else empty
 * @param echo whether each answer of a completion has the prompt
 */
record CallOptions(
        Endpoint endpoint,
        String id,
        long created,
        String model,
        int choices,
        boolean stream,
        boolean includeUsage,
        boolean continuousUsage,
        int topLogprobs,
        boolean tokenIds,
        boolean tokensAsIds,
        boolean cachedTokens,
        String role,
        String prefix,
        Echo echo) {

    static final int NO_LOGPROBS = -1;
    static final int ALL_LOGPROBS = Integer.MAX_VALUE;

    /** Whether the prompt's tokens are told, or the first of them, for which the engine has no log-probability to tell. */
    boolean needsPromptIds() {
        return tokenIds || scoresPrompt();
    }

    /** Whether log-probabilities of the prompt stand before those of each answer. */
    boolean scoresPrompt() {
        return echo != Echo.NONE && hasLogprobs();
    }

    boolean hasLogprobs() {
        return topLogprobs != NO_LOGPROBS;
    }
}

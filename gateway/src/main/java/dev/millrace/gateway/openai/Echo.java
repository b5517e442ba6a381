package dev.millrace.gateway.openai;

/** Whether a completion's prompt is told with its answer. */
enum Echo {
    NONE,
    BEFORE_ANSWER,

    /** The prompt alone, as vLLM's clients ask for it with {@code max_tokens} 0: they want its log-probabilities. */
    ALONE
}

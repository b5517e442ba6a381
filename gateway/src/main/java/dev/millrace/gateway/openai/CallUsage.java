package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.Usage;

/** What the prompts of a call took, added up. */
final class CallUsage {

    private int promptTokens;
    private int completionTokens;
    private int cachedTokens;

    /** @param usage of one prompt; null if it is not known */
    void add(Usage usage) {
        if (usage != null) {
            promptTokens += usage.getPromptTokens();
            completionTokens += usage.getCompletionTokens();
            cachedTokens += usage.getCachedTokens();
        }
    }

    /** vLLM's {@code UsageInfo}. */
    static ObjectNode json(int promptTokens, int completionTokens) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("prompt_tokens", promptTokens)
                .put("total_tokens", promptTokens + completionTokens)
                .put("completion_tokens", completionTokens);
    }

    /** @param details whether the cached tokens are told */
    ObjectNode toJson(boolean details) {
        ObjectNode usage = json(promptTokens, completionTokens);
        if (details) {
            usage.putObject("prompt_tokens_details").put("cached_tokens", cachedTokens);
        }
        return usage;
    }
}

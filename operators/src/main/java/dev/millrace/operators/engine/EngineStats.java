package dev.millrace.operators.engine;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Counters since the start and gauges of the moment; names follow vLLM's metrics.
 *
 * @param numRequestsRunning sequences that hold blocks
 * @param numRequestsWaiting sequences that wait for admission, preempted ones included
 * @param kvCacheUsage share of blocks that are referenced, 0 to 1
 * @param promptTokens prompt tokens computed
 * @param generationTokens tokens generated
 * @param numPreemptions preemptions
 * @param prefixCacheQueries prompt tokens looked up in the prefix cache
 * @param prefixCacheHits prompt tokens found there
 * @param mmCacheQueries media items looked up in the encoder cache
 * @param mmCacheHits media items found there
 * @param steps steps completed
 * @param stepTokens tokens of all completed steps, drafts included
 * @param speculation what came of drafts
 */
public record EngineStats(
        int numRequestsRunning,
        int numRequestsWaiting,
        double kvCacheUsage,
        long promptTokens,
        long generationTokens,
        long numPreemptions,
        long prefixCacheQueries,
        long prefixCacheHits,
        long mmCacheQueries,
        long mmCacheHits,
        long steps,
        long stepTokens,
        SpeculationStats speculation) {

    /** The counters among them that have no labels, by vLLM's names; those of drafts where sequences may have any. */
    public Map<String, Long> counters() {
        Map<String, Long> counters = new LinkedHashMap<>();
        counters.put("prompt_tokens", promptTokens);
        counters.put("generation_tokens", generationTokens);
        counters.put("num_preemptions", numPreemptions);
        counters.put("prefix_cache_queries", prefixCacheQueries);
        counters.put("prefix_cache_hits", prefixCacheHits);
        counters.put("mm_cache_queries", mmCacheQueries);
        counters.put("mm_cache_hits", mmCacheHits);
        if (speculation.numAcceptedTokensPerPos().length > 0) {
            counters.put("spec_decode_num_drafts", speculation.numDrafts());
            counters.put("spec_decode_num_draft_tokens", speculation.numDraftTokens());
            counters.put("spec_decode_num_accepted_tokens", speculation.numAcceptedTokens());
        }
        return counters;
    }
}

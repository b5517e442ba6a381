package dev.millrace.gpu;

import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.Limits;
import java.util.Locale;

/**
 * How large the key-value cache is.
 *
 * @param numBlocks blocks, the null block included
 * @param bytes that they take in all layers
 */
record KeyValueCacheSize(int numBlocks, long bytes) {

    /**
     * The size that a configuration asks for, else what is left of the share of the GPU's memory that may be taken.
     *
     * @param blockBytes bytes of a block in all layers
     * @param left bytes that are left for the cache
     * @throws IllegalArgumentException if a sequence of the greatest length does not fit
     */
    static KeyValueCacheSize of(Cache cache, Limits limits, long blockBytes, long left) {
        long bytes = cache.bytes() > 0 ? cache.bytes() : left;
        int numBlocks = cache.numBlocks() > 0
                ? cache.numBlocks()
                : (int) Math.min(Integer.MAX_VALUE / CacheShape.BLOCK_TOKENS, Math.max(0, bytes) / blockBytes);
        var size = new KeyValueCacheSize(numBlocks, numBlocks * blockBytes);
        cache.check(size.tokens(), blockBytes, limits);
        return size;
    }

    /** Tokens that the cache holds. */
    long tokens() {
        return Math.max(0, numBlocks - 1L) * CacheShape.BLOCK_TOKENS;
    }

    /** Tokens as vLLM prints them. */
    String tokenCount() {
        return String.format(Locale.ROOT, "%,d", tokens());
    }
}

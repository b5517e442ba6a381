package dev.millrace.gpu;

import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.model.executor.ExecutorConfig;
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
    static KeyValueCacheSize of(ExecutorConfig config, long blockBytes, long left) {
        long bytes = config.kvCacheBytes() > 0 ? config.kvCacheBytes() : left;
        int numBlocks = config.numBlocks() > 0
                ? config.numBlocks()
                : (int) Math.min(Integer.MAX_VALUE / CacheShape.BLOCK_TOKENS, Math.max(0, bytes) / blockBytes);
        var size = new KeyValueCacheSize(numBlocks, numBlocks * blockBytes);
        if (size.tokens() < config.maxModelLen()) {
            throw new IllegalArgumentException("The model's max seq len (" + config.maxModelLen()
                    + ") is larger than the maximum number of tokens that can be stored in KV cache (" + size.tokens()
                    + "). Try increasing --gpu-memory-utilization or --kv-cache-memory-bytes (a block of "
                    + CacheShape.BLOCK_TOKENS + " tokens takes " + blockBytes
                    + " bytes), or decreasing --max-model-len.");
        }
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

package dev.millrace.cpu.operations;

import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.Limits;
import java.util.List;

/**
 * How large the key-value cache is.
 *
 * @param numBlocks blocks, the null block included
 * @param blockBytes bytes that a block takes in all layers of all models
 */
public record KeyValueCacheSize(int numBlocks, long blockBytes) {

    private static final long DEFAULT_BYTES = 1L << 30;
    private static final int DEFAULT_HEAP_SHARE = 4;

    /**
     * The size that a configuration asks for; where it leaves it open, 1 GiB or a quarter of the heap, whichever is less.
     *
     * @param models the decoders that have a cache each, of as many blocks: the model's, and the draft model's if there is one
     * @param heapBytes the most that the JVM's heap may grow to
     * @throws IllegalArgumentException if a sequence of the greatest length does not fit, or Java cannot hold so much
     */
    public static KeyValueCacheSize of(List<TextConfig> models, Cache cache, Limits limits, long heapBytes) {
        if (cache.blockSize() != KeyValueStore.UNIT) {
            throw new IllegalArgumentException("block size " + cache.blockSize()
                    + " is not supported on the CPU; allowed is " + KeyValueStore.UNIT);
        }
        long blockBytes = 0;
        int most = Integer.MAX_VALUE;
        for (TextConfig text : models) {
            blockBytes += text.numLayers() * KeyValueStore.unitBytes(text.numKeyValueHeads(), text.headDim());
            most = Math.min(most, KeyValueStore.maxUnits(text.numKeyValueHeads(), text.headDim()));
        }
        if (cache.numBlocks() > most) {
            throw new IllegalArgumentException(cache.numBlocks()
                    + " blocks of key-value cache are more than Java arrays hold; at most " + most + " are possible");
        }
        long bytes = cache.bytes() > 0 ? cache.bytes() : Math.min(DEFAULT_BYTES, heapBytes / DEFAULT_HEAP_SHARE);
        int numBlocks = cache.numBlocks() > 0 ? cache.numBlocks() : (int) Math.min(most, bytes / blockBytes);
        cache.check(Math.max(0, numBlocks - 1L) * KeyValueStore.UNIT, blockBytes, limits);
        return new KeyValueCacheSize(numBlocks, blockBytes);
    }
}

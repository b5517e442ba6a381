package dev.millrace.cpu.operations;

import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.executor.ExecutorConfig;
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
    public static KeyValueCacheSize of(List<TextConfig> models, ExecutorConfig config, long heapBytes) {
        if (config.blockSize() != KeyValueStore.UNIT) {
            throw new IllegalArgumentException("block size " + config.blockSize()
                    + " is not supported on the CPU; allowed is " + KeyValueStore.UNIT);
        }
        long blockBytes = 0;
        int most = Integer.MAX_VALUE;
        for (TextConfig text : models) {
            blockBytes += text.numLayers() * KeyValueStore.unitBytes(text.numKeyValueHeads(), text.headDim());
            most = Math.min(most, KeyValueStore.maxUnits(text.numKeyValueHeads(), text.headDim()));
        }
        if (config.numBlocks() > most) {
            throw new IllegalArgumentException(config.numBlocks()
                    + " blocks of key-value cache are more than Java arrays hold; at most " + most + " are possible");
        }
        long bytes = config.kvCacheBytes() > 0
                ? config.kvCacheBytes()
                : Math.min(DEFAULT_BYTES, heapBytes / DEFAULT_HEAP_SHARE);
        int numBlocks = config.numBlocks() > 0 ? config.numBlocks() : (int) Math.min(most, bytes / blockBytes);
        long tokens = Math.max(0, numBlocks - 1L) * KeyValueStore.UNIT;
        if (tokens < config.maxModelLen()) {
            throw new IllegalArgumentException("The model's max seq len (" + config.maxModelLen()
                    + ") is larger than the maximum number of tokens that can be stored in KV cache (" + tokens
                    + "). Increase --kv-cache-memory-bytes (a block of " + KeyValueStore.UNIT + " tokens takes "
                    + blockBytes + " bytes) or decrease --max-model-len.");
        }
        return new KeyValueCacheSize(numBlocks, blockBytes);
    }
}

package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Type;

/**
 * The key-value cache of one layer, c[blocks, 2, heads, 16, headDim]: a block's keys, then its values.
 *
 * @param queryHeads heads of the queries, a multiple of {@code keyHeads}
 * @param keyHeads heads of the cache
 */
public record CacheShape(Type type, int queryHeads, int keyHeads, int headDim) {

    /** Tokens a block holds. */
    public static final int BLOCK_TOKENS = 16;

    /** The largest head that the kernels have room for. */
    public static final int MAX_HEAD_DIM = 128;

    public CacheShape {
        if (headDim < 2 || headDim > MAX_HEAD_DIM || headDim % 2 != 0) {
            throw new IllegalArgumentException(
                    "heads of " + headDim + " values; even sizes up to " + MAX_HEAD_DIM + " are supported on the GPU");
        }
        if (keyHeads < 1 || queryHeads % keyHeads != 0) {
            throw new IllegalArgumentException(
                    queryHeads + " query heads do not share " + keyHeads + " key-value heads");
        }
    }

    /** Query heads that share a key-value head. */
    public int group() {
        return queryHeads / keyHeads;
    }

    /** Values of a token's queries. */
    public int queryWidth() {
        return queryHeads * headDim;
    }

    /** Values of a token's queries, keys and values. */
    public int qkvWidth() {
        return (queryHeads + 2 * keyHeads) * headDim;
    }

    /** Bytes of a block in one layer. */
    public long blockBytes() {
        return 2L * keyHeads * BLOCK_TOKENS * headDim * type.bytes();
    }
}

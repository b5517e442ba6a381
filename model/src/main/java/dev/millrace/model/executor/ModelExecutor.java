package dev.millrace.model.executor;

/**
 * The border between deciding and computing: the engine decides which tokens a step holds, an executor computes them.
 *
 * <p>Steps run in the order of their launches, one after another; a launched step may refer to tokens that an earlier
 * launched step is still to sample. Encodings of media run in the order of their calls too, beside the steps or in
 * parts between them: no step waits for all of one. All methods are called from one thread; only listeners are called from
 * others.
 */
public interface ModelExecutor extends AutoCloseable {

    /** Blocks of the key-value cache, the null block 0 included. */
    int numBlocks();

    /** Tokens a block holds. */
    int blockSize();

    /** Tokens that the key-value cache holds. */
    default long cacheTokens() {
        return (numBlocks() - 1L) * blockSize();
    }

    /** Rows of the media buffer, each holding the embedding of one placeholder token. */
    int mediaRows();

    /**
     * Takes a step and returns at once. {@code listener} hears of its completion, or its failure, exactly once, on the
     * executor's own thread.
     */
    void launch(ForwardBatch batch, StepListener listener);

    /**
     * Takes media to be encoded and returns at once. Steps launched before this may still read what the rows held; none
     * may read them from then on until {@code listener} heard that the encoding is done. It hears of that, or of the
     * failure, exactly once, on a thread of the executor.
     */
    void encode(EncoderBatch batch, EncodingListener listener);

    /**
     * Copies rows of the media buffer, for comparison with reference embeddings. Waits for all that was launched.
     *
     * @return {@code rows.length × hidden} values
     */
    float[] readMedia(int[] rows);

    /** Waits for launched steps and encodings, then frees everything. Their listeners have been called when this returns. */
    @Override
    void close();
}

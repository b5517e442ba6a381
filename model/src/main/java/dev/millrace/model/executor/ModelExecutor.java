package dev.millrace.model.executor;

/**
 * The border between deciding and computing: the engine decides which tokens a step holds, an executor computes them.
 *
 * <p>Steps run in the order of their launches, one after another; a launched step may refer to tokens that an earlier
 * launched step is still to sample. All methods are called from one thread; only the listener is called from another.
 */
public interface ModelExecutor extends AutoCloseable {

    /** Blocks of the key-value cache, the null block 0 included. */
    int numBlocks();

    /** Tokens a block holds. */
    int blockSize();

    /** Rows of the media buffer, each holding the embedding of one placeholder token. */
    int mediaRows();

    /**
     * Takes a step and returns at once. {@code listener} hears of its completion, or its failure, exactly once, on the
     * executor's own thread.
     */
    void launch(ForwardBatch batch, StepListener listener);

    /**
     * Copies rows of the media buffer, for comparison with reference embeddings. Waits for every launched step.
     *
     * @return {@code rows.length × hidden} values
     */
    float[] readMedia(int[] rows);

    /** Waits for the launched steps, then frees everything. Their listeners have been called when this returns. */
    @Override
    void close();
}

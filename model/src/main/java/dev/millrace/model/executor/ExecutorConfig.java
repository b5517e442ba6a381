package dev.millrace.model.executor;

import java.io.Serializable;
import java.util.List;

/**
 * What an executor is built for.
 *
 * @param dtype {@code auto}, {@code bfloat16} or {@code float32}: how weights are held
 * @param loadFormat {@code auto} reads the checkpoint, {@code dummy} makes random weights of its shapes
 * @param blockSize tokens a block holds
 * @param numBlocks blocks of the key-value cache, the null block included; 0: as many as {@code kvCacheBytes} hold
 * @param kvCacheBytes memory for the key-value cache; 0: as much as the executor finds sensible where it runs
 * @param maxNumSeqs rows of per-sequence state
 * @param maxNumBatchedTokens most tokens in a step
 * @param maxModelLen most tokens in a sequence
 * @param mediaRows rows of the media buffer
 * @param threads threads that compute; 0: one for each core
 * @param allowScalar whether to go on without vector instructions, slowly, where the JVM offers none
 * @param gpu what only an executor on GPUs asks for
 * @param speculation what speculative decoding asks for
 */
public record ExecutorConfig(
        String dtype,
        String loadFormat,
        int blockSize,
        int numBlocks,
        long kvCacheBytes,
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int maxModelLen,
        int mediaRows,
        int threads,
        boolean allowScalar,
        Gpu gpu,
        Speculation speculation)
        implements Serializable {

    /** With {@link Gpu#DEFAULT}, without speculation. */
    public ExecutorConfig(
            String dtype,
            String loadFormat,
            int blockSize,
            int numBlocks,
            long kvCacheBytes,
            int maxNumSeqs,
            int maxNumBatchedTokens,
            int maxModelLen,
            int mediaRows,
            int threads,
            boolean allowScalar) {
        this(
                dtype,
                loadFormat,
                blockSize,
                numBlocks,
                kvCacheBytes,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                mediaRows,
                threads,
                allowScalar,
                Gpu.DEFAULT);
    }

    /** Without speculation. */
    public ExecutorConfig(
            String dtype,
            String loadFormat,
            int blockSize,
            int numBlocks,
            long kvCacheBytes,
            int maxNumSeqs,
            int maxNumBatchedTokens,
            int maxModelLen,
            int mediaRows,
            int threads,
            boolean allowScalar,
            Gpu gpu) {
        this(
                dtype,
                loadFormat,
                blockSize,
                numBlocks,
                kvCacheBytes,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                mediaRows,
                threads,
                allowScalar,
                gpu,
                Speculation.NONE);
    }

    /** The same on other GPUs. */
    public ExecutorConfig withGpu(Gpu other) {
        return new ExecutorConfig(
                dtype,
                loadFormat,
                blockSize,
                numBlocks,
                kvCacheBytes,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                mediaRows,
                threads,
                allowScalar,
                other,
                speculation);
    }

    /** The same with other speculation. */
    public ExecutorConfig withSpeculation(Speculation other) {
        return new ExecutorConfig(
                dtype,
                loadFormat,
                blockSize,
                numBlocks,
                kvCacheBytes,
                maxNumSeqs,
                maxNumBatchedTokens,
                maxModelLen,
                mediaRows,
                threads,
                allowScalar,
                gpu,
                other);
    }

    /**
     * How far ahead of its samples a sequence may go.
     *
     * @param draftModel folder of the model that makes drafts; empty where they come with the step, or none do
     * @param numTokens most drafts of a sequence in a step; 0: nothing is drafted
     */
    public record Speculation(String draftModel, int numTokens) implements Serializable {

        public static final Speculation NONE = new Speculation("", 0);

        public boolean hasDraftModel() {
            return !draftModel.isEmpty();
        }
    }

    /**
     * Which GPUs compute, and how. Names, meanings and defaults are vLLM's.
     *
     * @param memoryUtilization share of the GPU's memory that the executor may take, above 0 and at most 1
     * @param enforceEager whether to launch each kernel by itself, without graphs
     * @param tensorParallelSize GPUs that share a model
     * @param ids GPUs that may be used, by their numbers among the visible ones with commas between; empty: all of them
     * @param assigned GPUs that the cluster assigned, as nvidia-smi numbers them; where there are any, they alone may be
     *     used
     */
    public record Gpu(
            double memoryUtilization, boolean enforceEager, int tensorParallelSize, String ids, List<String> assigned)
            implements Serializable {

        public static final Gpu DEFAULT = new Gpu(0.9, false, 1, "");

        /** With no GPU assigned by a cluster. */
        public Gpu(double memoryUtilization, boolean enforceEager, int tensorParallelSize, String ids) {
            this(memoryUtilization, enforceEager, tensorParallelSize, ids, List.of());
        }

        /** The same with other GPUs assigned. */
        public Gpu withAssigned(List<String> indices) {
            return new Gpu(memoryUtilization, enforceEager, tensorParallelSize, ids, List.copyOf(indices));
        }
    }
}

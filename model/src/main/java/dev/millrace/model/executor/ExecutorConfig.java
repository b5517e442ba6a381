package dev.millrace.model.executor;

import java.io.Serializable;
import java.util.List;

/**
 * How an executor is built, but for its {@link Limits}.
 *
 * @param dtype {@code auto}, {@code bfloat16} or {@code float32}: how weights are held
 * @param loadFormat {@code auto} reads the checkpoint, {@code dummy} makes random weights of its shapes
 * @param cache the key-value cache
 * @param mediaRows rows of the media buffer, or {@link #LARGEST_ITEM}
 * @param cpu what only an executor on the CPU asks for
 * @param gpu what only an executor on GPUs asks for
 * @param speculation what speculative decoding asks for
 */
public record ExecutorConfig(
        String dtype, String loadFormat, Cache cache, int mediaRows, Cpu cpu, Gpu gpu, Speculation speculation)
        implements Serializable {

    /** As many rows of the media buffer as the largest item or a step asks for. */
    public static final int LARGEST_ITEM = -1;

    public static final ExecutorConfig DEFAULT =
            new ExecutorConfig("auto", "auto", Cache.DEFAULT, LARGEST_ITEM, Cpu.DEFAULT, Gpu.DEFAULT, Speculation.NONE);

    private static final int LARGEST_ITEM_TOKENS = 16_384; // of the published most pixels, 12845056

    /** Rows of the media buffer under the limits. */
    public int mediaRows(Limits limits) {
        return mediaRows != LARGEST_ITEM
                ? mediaRows
                : Math.max(limits.maxNumBatchedTokens(), Math.min(LARGEST_ITEM_TOKENS, limits.maxModelLen()));
    }

    /** The same with weights held otherwise. */
    public ExecutorConfig withDtype(String other) {
        return new ExecutorConfig(other, loadFormat, cache, mediaRows, cpu, gpu, speculation);
    }

    /** The same with weights from elsewhere. */
    public ExecutorConfig withLoadFormat(String other) {
        return new ExecutorConfig(dtype, other, cache, mediaRows, cpu, gpu, speculation);
    }

    /** The same with another cache. */
    public ExecutorConfig withCache(Cache other) {
        return new ExecutorConfig(dtype, loadFormat, other, mediaRows, cpu, gpu, speculation);
    }

    /** The same with a media buffer of so many rows. */
    public ExecutorConfig withMediaRows(int rows) {
        return new ExecutorConfig(dtype, loadFormat, cache, rows, cpu, gpu, speculation);
    }

    /** The same on other CPUs. */
    public ExecutorConfig withCpu(Cpu other) {
        return new ExecutorConfig(dtype, loadFormat, cache, mediaRows, other, gpu, speculation);
    }

    /** The same on other GPUs. */
    public ExecutorConfig withGpu(Gpu other) {
        return new ExecutorConfig(dtype, loadFormat, cache, mediaRows, cpu, other, speculation);
    }

    /** The same with other speculation. */
    public ExecutorConfig withSpeculation(Speculation other) {
        return new ExecutorConfig(dtype, loadFormat, cache, mediaRows, cpu, gpu, other);
    }

    /**
     * The key-value cache.
     *
     * @param blockSize tokens a block holds
     * @param numBlocks blocks, the null block included; 0: as many as {@code bytes} hold
     * @param bytes memory; 0: as much as the executor finds sensible where it runs
     * @param mayBeShort whether it may hold fewer tokens than the longest sequence, which is cut to what it holds
     */
    public record Cache(int blockSize, int numBlocks, long bytes, boolean mayBeShort) implements Serializable {

        public static final Cache DEFAULT = new Cache(16, 0, 0, false);

        /** Of so many blocks. */
        public static Cache ofBlocks(int numBlocks) {
            return new Cache(DEFAULT.blockSize, numBlocks, 0, false);
        }

        /** Of so many bytes. */
        public static Cache ofBytes(long bytes) {
            return new Cache(DEFAULT.blockSize, 0, bytes, false);
        }

        /**
         * Refuses a cache that holds less than a sequence.
         *
         * @param tokens that it holds
         * @param blockBytes bytes of a block in all layers
         * @throws IllegalArgumentException says what to change
         */
        public void check(long tokens, long blockBytes, Limits limits) {
            if (tokens < (mayBeShort ? blockSize : limits.maxModelLen())) {
                throw new IllegalArgumentException("The model's max seq len (" + limits.maxModelLen()
                        + ") is larger than the maximum number of tokens that can be stored in KV cache (" + tokens
                        + "). Try increasing --gpu-memory-utilization (on a GPU) or --kv-cache-memory-bytes (a block of "
                        + blockSize + " tokens takes " + blockBytes
                        + " bytes), or decreasing --max-model-len (auto takes what fits).");
            }
        }
    }

    /**
     * How a CPU computes.
     *
     * @param threads threads; 0: one for each core
     * @param allowScalar whether to go on without vector instructions, slowly, where the JVM offers none
     */
    public record Cpu(int threads, boolean allowScalar) implements Serializable {

        public static final Cpu DEFAULT = new Cpu(0, false);
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

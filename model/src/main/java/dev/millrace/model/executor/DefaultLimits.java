package dev.millrace.model.executor;

/**
 * Limits that suit a device, for whoever says none. Names are vLLM's, values those of its server ({@code get_batch_defaults}
 * in vllm/engine/arg_utils.py).
 *
 * @param maxNumBatchedTokens most tokens in a step
 * @param maxNumSeqs most sequences that run at a time
 */
public record DefaultLimits(int maxNumBatchedTokens, int maxNumSeqs) {

    /** Of a CPU. */
    public static final DefaultLimits CPU = new DefaultLimits(2_048, 128);

    private static final DefaultLimits GPU = new DefaultLimits(2_048, 256);
    private static final DefaultLimits LARGE_GPU = new DefaultLimits(8_192, 1_024);
    private static final long LARGE_BYTES = 70L << 30;

    /**
     * Of a GPU. An A100 has the memory for the larger ones, but not the speed (vLLM, pull request 17885).
     *
     * @param totalMemory bytes, whoever holds them
     * @param name as its driver names it
     */
    public static DefaultLimits ofGpu(long totalMemory, String name) {
        return totalMemory >= LARGE_BYTES && !name.contains("A100") ? LARGE_GPU : GPU;
    }
}

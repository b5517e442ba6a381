package dev.millrace.job.cli;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.operators.LimitSettings;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import picocli.CommandLine.Option;

/** The engine's limits and the machine it runs on. Names, meanings and defaults are vLLM's. */
final class EngineOptions {

    /** Who goes first. */
    enum SchedulingPolicy {
        fcfs(Policy.FCFS),
        priority(Policy.PRIORITY);

        private final Policy policy;

        SchedulingPolicy(Policy policy) {
            this.policy = policy;
        }
    }

    @Option(
            names = "--max-num-batched-tokens",
            paramLabel = "TOKENS",
            converter = TokenCount.class,
            description = "Token budget of a step (default: 8192 on a GPU of 70 GiB or more but an A100, else 2048; at"
                    + " least --max-model-len where prompts may not be chunked).")
    private Integer maxNumBatchedTokens;

    @Option(
            names = "--max-num-seqs",
            paramLabel = "N",
            converter = IntegerFrom.One.class,
            description =
                    "Sequences that run at a time, at most --max-num-batched-tokens (default: 1024 on a GPU of 70 GiB or"
                            + " more but an A100, 256 on others, 128 on a CPU, or the budget if that is less).")
    private Integer maxNumSeqs;

    @Option(
            names = "--block-size",
            paramLabel = "TOKENS",
            converter = BlockSize.class,
            description = "Tokens a key-value block holds; only 16 is allowed (default: ${DEFAULT-VALUE}).")
    private int blockSize = 16;

    @Option(
            names = "--num-gpu-blocks-override",
            paramLabel = "N",
            converter = IntegerFrom.One.class,
            description =
                    "Blocks of the key-value cache, whatever memory there is (the name is vLLM's; on the CPU too).")
    private Integer numBlocks;

    @Option(
            names = "--kv-cache-memory-bytes",
            paramLabel = "BYTES",
            converter = ByteSize.class,
            description =
                    "Memory for the key-value cache, such as 4GiB (default: on a GPU what --gpu-memory-utilization"
                            + " leaves, else 1GiB, or a quarter of the heap if that is less).")
    private long kvCacheMemoryBytes;

    @Option(
            names = "--enable-prefix-caching",
            negatable = true,
            fallbackValue = "true",
            description = "Whether prompts share the blocks of equal beginnings (default: on).")
    private boolean prefixCaching = true;

    @Option(
            names = "--enable-chunked-prefill",
            negatable = true,
            fallbackValue = "true",
            description = "Whether a prompt may be spread over steps (default: on).")
    private boolean chunkedPrefill = true;

    @Option(
            names = "--long-prefill-token-threshold",
            paramLabel = "TOKENS",
            converter = IntegerFrom.Zero.class,
            description = "Most tokens of one prompt in one step; 0: no such limit (default: ${DEFAULT-VALUE}).")
    private int longPrefillTokenThreshold;

    @Option(
            names = "--scheduling-policy",
            paramLabel = "POLICY",
            description =
                    "Who goes first: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}); priority orders what the"
                            + " gate (--max-queued-requests) has let in.")
    private SchedulingPolicy schedulingPolicy = SchedulingPolicy.fcfs;

    @Option(
            names = "--speculative-config",
            paramLabel = "JSON",
            converter = SpeculativeConfig.Converter.class,
            description = SpeculativeConfig.DESCRIPTION)
    SpeculativeConfig speculativeConfig = SpeculativeConfig.NONE;

    @Option(
            names = "--threads",
            paramLabel = "N",
            converter = IntegerFrom.Zero.class,
            description = "Threads that compute on the CPU; 0: one for each core (default: ${DEFAULT-VALUE}).")
    private int threads;

    @Option(names = "--allow-scalar", description = "Goes on, slowly, where the JVM offers no vector instructions.")
    private boolean allowScalar;

    /**
     * What the flags say of limits.
     *
     * @throws InvalidInputException if it cannot all hold
     */
    LimitSettings limits(ModelLength length) {
        var limits = new LimitSettings(maxNumBatchedTokens, maxNumSeqs, length.tokens());
        limits.check(chunkedPrefill);
        return limits;
    }

    Scheduling scheduling() {
        return new Scheduling(
                prefixCaching,
                chunkedPrefill,
                longPrefillTokenThreshold,
                schedulingPolicy.policy,
                Scheduling.DEFAULT.stepsAhead(),
                speculativeConfig.engine());
    }

    ExecutorConfig executorConfig(ModelOptions model, DeviceOptions device) {
        var cache = new ExecutorConfig.Cache(
                blockSize, numBlocks == null ? 0 : numBlocks, kvCacheMemoryBytes, model.maxModelLen.fitted());
        return new ExecutorConfig(
                model.dtype.name(),
                model.loadFormat.name(),
                cache,
                ExecutorConfig.LARGEST_ITEM,
                new ExecutorConfig.Cpu(threads, allowScalar),
                device.gpu(),
                speculativeConfig.executor());
    }
}

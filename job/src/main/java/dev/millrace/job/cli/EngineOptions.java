package dev.millrace.job.cli;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.operators.engine.EngineConfig;
import picocli.CommandLine.Option;

/** The engine's limits and the machine it runs on. Names, meanings and defaults are vLLM's. */
final class EngineOptions {

    private static final int DEFAULT_BUDGET = 2048;
    private static final int DEFAULT_SEQUENCES = 256;
    private static final int LARGEST_ITEM = 16_384; // tokens of the published most pixels, 12845056
    private static final int STEPS_AHEAD = 2;

    /** Who goes first. */
    enum SchedulingPolicy {
        fcfs(EngineConfig.Policy.FCFS),
        priority(EngineConfig.Policy.PRIORITY);

        private final EngineConfig.Policy policy;

        SchedulingPolicy(EngineConfig.Policy policy) {
            this.policy = policy;
        }
    }

    @Option(
            names = "--max-num-batched-tokens",
            paramLabel = "TOKENS",
            converter = TokenCount.class,
            description = "Token budget of a step (default: 2048, and at least --max-model-len where prompts may not be"
                    + " chunked).")
    private Integer maxNumBatchedTokens;

    @Option(
            names = "--max-num-seqs",
            paramLabel = "N",
            converter = IntegerFrom.One.class,
            description =
                    "Sequences that run at a time, at most --max-num-batched-tokens (default: 256, or the budget if"
                            + " that is less).")
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

    EngineConfig engineConfig(int maxModelLen) {
        int budget = budget(maxModelLen);
        if (!chunkedPrefill && budget < maxModelLen) {
            throw new InvalidInputException(
                    "--max-num-batched-tokens is %d, but without chunked prefill at least --max-model-len, %d, is allowed"
                            .formatted(budget, maxModelLen),
                    "--max-num-batched-tokens");
        }
        return new EngineConfig(
                budget,
                sequences(budget),
                maxModelLen,
                prefixCaching,
                chunkedPrefill,
                longPrefillTokenThreshold,
                schedulingPolicy.policy,
                STEPS_AHEAD,
                speculativeConfig.engine());
    }

    ExecutorConfig executorConfig(ModelOptions model, DeviceOptions device, int maxModelLen) {
        int budget = budget(maxModelLen);
        return new ExecutorConfig(
                model.dtype.name(),
                model.loadFormat.name(),
                blockSize,
                numBlocks == null ? 0 : numBlocks,
                kvCacheMemoryBytes,
                sequences(budget),
                budget,
                maxModelLen,
                Math.max(budget, Math.min(LARGEST_ITEM, maxModelLen)),
                threads,
                allowScalar,
                device.gpu(),
                speculativeConfig.executor());
    }

    private int budget(int maxModelLen) {
        if (maxNumBatchedTokens != null) {
            return maxNumBatchedTokens;
        }
        return chunkedPrefill ? DEFAULT_BUDGET : Math.max(DEFAULT_BUDGET, maxModelLen);
    }

    /** As in vLLM every running sequence must find a place in a step's budget. */
    private int sequences(int budget) {
        if (maxNumSeqs == null) {
            return Math.min(DEFAULT_SEQUENCES, budget);
        }
        if (maxNumSeqs > budget) {
            throw new InvalidInputException(
                    ("--max-num-batched-tokens is %d, but must be at least --max-num-seqs, %d; raise the one or lower the"
                                    + " other")
                            .formatted(budget, maxNumSeqs),
                    "--max-num-batched-tokens");
        }
        return maxNumSeqs;
    }
}

package dev.millrace.bench;

import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.operators.engine.EngineConfig;

/** An engine, and an executor under it, as large as the measured prompts and answers need. */
record EngineSetup(EngineConfig engine, ExecutorConfig executor) {

    private static final int BLOCK_SIZE = 16;
    private static final int STEPS_AHEAD = 2;

    /**
     * @param maxNumSeqs sequences that run at a time
     */
    static EngineSetup of(BenchOptions options, RandomPrompts prompts, int maxNumSeqs) {
        int length = prompts.promptLength() + options.outputLen;
        int blocks = 1 + maxNumSeqs * (length / BLOCK_SIZE + 2);
        return new EngineSetup(
                new EngineConfig(
                        options.maxNumBatchedTokens,
                        maxNumSeqs,
                        length,
                        true,
                        true,
                        0,
                        EngineConfig.Policy.FCFS,
                        STEPS_AHEAD,
                        options.speculativeConfig.engine()),
                new ExecutorConfig(
                        options.dtype.name(),
                        options.loadFormat.name(),
                        BLOCK_SIZE,
                        blocks,
                        0,
                        maxNumSeqs,
                        options.maxNumBatchedTokens,
                        length,
                        Math.max(options.maxNumBatchedTokens, prompts.mediaTokens()),
                        options.threads,
                        options.allowScalar,
                        options.device.gpu(),
                        options.speculativeConfig.executor()));
    }
}

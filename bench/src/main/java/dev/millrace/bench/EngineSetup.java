package dev.millrace.bench;

import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.Limits;
import dev.millrace.operators.engine.EngineConfig;
import dev.millrace.operators.scheduler.Scheduling;

/** An engine, and an executor under it, as large as the measured prompts and answers need. */
record EngineSetup(Limits limits, Scheduling scheduling, ExecutorConfig executor) {

    private static final int BLOCK_SIZE = 16;

    /**
     * @param maxNumSeqs sequences that run at a time
     */
    static EngineSetup of(BenchOptions options, RandomPrompts prompts, int maxNumSeqs) {
        int length = prompts.promptLength() + options.outputLen;
        int blocks = 1 + maxNumSeqs * (length / BLOCK_SIZE + 2);
        return new EngineSetup(
                new Limits(options.maxNumBatchedTokens, maxNumSeqs, length),
                Scheduling.DEFAULT.withSpeculation(options.speculativeConfig.engine()),
                options.executorConfig()
                        .withCache(Cache.ofBlocks(blocks))
                        .withMediaRows(Math.max(options.maxNumBatchedTokens, prompts.mediaTokens()))
                        .withSpeculation(options.speculativeConfig.executor()));
    }

    EngineConfig engine() {
        return new EngineConfig(limits, scheduling);
    }
}

package dev.millrace.operators.engine;

import dev.millrace.model.executor.Limits;
import dev.millrace.operators.scheduler.Scheduling;

/**
 * What an engine is told.
 *
 * @param limits what steps and sequences may hold
 * @param scheduling how steps are filled
 */
public record EngineConfig(Limits limits, Scheduling scheduling) {

    /**
     * @throws IllegalArgumentException if prompts may not be spread over steps, and a step does not hold the longest
     */
    public EngineConfig {
        if (!scheduling.enableChunkedPrefill() && limits.maxNumBatchedTokens() < limits.maxModelLen()) {
            throw new IllegalArgumentException("max-num-batched-tokens is " + limits.maxNumBatchedTokens()
                    + ", but while chunked prefill is off it must be at least max-model-len, " + limits.maxModelLen());
        }
    }
}

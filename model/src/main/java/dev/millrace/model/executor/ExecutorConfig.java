package dev.millrace.model.executor;

import java.io.Serializable;

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
        boolean allowScalar)
        implements Serializable {}

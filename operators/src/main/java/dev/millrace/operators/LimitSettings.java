package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.Limits;
import java.io.Serializable;

/**
 * What was said of {@link Limits}. The rest is settled where the work is done: the device says how large steps are, the
 * checkpoint how long sequences. Names and rules are vLLM's ({@code _set_default_max_num_seqs_and_batched_tokens_args} in
 * vllm/engine/arg_utils.py).
 *
 * @param maxNumBatchedTokens most tokens in a step; null: what suits the device
 * @param maxNumSeqs most sequences that run at a time; null: what suits the device
 * @param maxModelLen most tokens of a sequence; null: the checkpoint's positions
 */
public record LimitSettings(Integer maxNumBatchedTokens, Integer maxNumSeqs, Integer maxModelLen)
        implements Serializable {

    private static final int SHORTEST = 2;

    /** Nothing is left open. */
    public static LimitSettings of(Limits limits) {
        return new LimitSettings(limits.maxNumBatchedTokens(), limits.maxNumSeqs(), limits.maxModelLen());
    }

    /**
     * Compares what was said.
     *
     * @param chunkedPrefill whether prompts may be spread over steps
     * @throws InvalidInputException if it cannot all hold
     */
    public void check(boolean chunkedPrefill) {
        if (maxModelLen != null && maxModelLen < SHORTEST) {
            throw new InvalidInputException(
                    "--max-model-len is %d; at least %d is allowed, for a token and its answer"
                            .formatted(maxModelLen, SHORTEST),
                    "--max-model-len");
        }
        if (maxNumBatchedTokens == null) {
            return;
        }
        if (maxNumSeqs != null && maxNumSeqs > maxNumBatchedTokens) {
            throw new InvalidInputException(
                    ("--max-num-batched-tokens is %d, but must be at least --max-num-seqs, %d; raise the one or lower the"
                                    + " other")
                            .formatted(maxNumBatchedTokens, maxNumSeqs),
                    "--max-num-batched-tokens");
        }
        if (!chunkedPrefill && maxModelLen != null && maxModelLen > maxNumBatchedTokens) {
            throw new InvalidInputException(
                    "--max-num-batched-tokens is %d, but without chunked prefill at least --max-model-len, %d, is allowed"
                            .formatted(maxNumBatchedTokens, maxModelLen),
                    "--max-num-batched-tokens");
        }
    }

    /**
     * The limits on a device with a checkpoint.
     *
     * @param positions the checkpoint's
     * @param chunkedPrefill whether prompts may be spread over steps
     * @throws InvalidInputException if they cannot all hold
     */
    public Limits settle(DefaultLimits device, int positions, boolean chunkedPrefill) {
        int length = maxModelLen == null ? positions : maxModelLen;
        if (length > positions) {
            throw new InvalidInputException(
                    "--max-model-len is %d, but the checkpoint has %d positions; lower it".formatted(length, positions),
                    "--max-model-len");
        }
        int budget = maxNumBatchedTokens == null ? budget(device, length, chunkedPrefill) : maxNumBatchedTokens;
        int sequences = maxNumSeqs == null ? Math.min(device.maxNumSeqs(), budget) : maxNumSeqs;
        new LimitSettings(budget, sequences, length).check(chunkedPrefill);
        return new Limits(budget, sequences, length);
    }

    /** A whole sequence where it must not be cut, and no more than all sequences together have. */
    private int budget(DefaultLimits device, int length, boolean chunkedPrefill) {
        int budget = chunkedPrefill ? device.maxNumBatchedTokens() : Math.max(device.maxNumBatchedTokens(), length);
        int sequences = maxNumSeqs == null ? device.maxNumSeqs() : maxNumSeqs;
        return (int) Math.min(budget, (long) sequences * length);
    }
}

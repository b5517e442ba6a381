package dev.millrace.model.executor;

/**
 * What a step brought, sample by sample as in {@link ForwardBatch#sampleToken}.
 *
 * @param step number of the step
 * @param tokens [R] the sampled tokens; they mean nothing where the sample had a target, and behind a draft that was not
 *     accepted
 * @param logprobs [R] log-probabilities, null where none were asked for; null as a whole where no sample asked
 * @param logits [R·V] raw logits where they were asked for, else null
 * @param drafts what stood at the places {@link ForwardBatch#DRAFTED}, in their order; null where there were none
 * @param computeNanos time the step took on the device
 */
public record StepOutput(
        long step, int[] tokens, SampleLogprobs[] logprobs, float[] logits, int[] drafts, long computeNanos) {

    /** Of a step in which the draft model made none. */
    public StepOutput(long step, int[] tokens, SampleLogprobs[] logprobs, float[] logits, long computeNanos) {
        this(step, tokens, logprobs, logits, null, computeNanos);
    }

    /**
     * Log-probabilities under the raw logits.
     *
     * @param logprob the sampled or targeted token's
     * @param rank that token's, 1 for the likeliest
     * @param topIds [k] the likeliest tokens, best first
     * @param topLogprobs [k] theirs
     */
    public record SampleLogprobs(float logprob, int rank, int[] topIds, float[] topLogprobs) {}
}

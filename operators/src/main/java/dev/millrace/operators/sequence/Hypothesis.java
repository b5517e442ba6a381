package dev.millrace.operators.sequence;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import java.util.List;

/**
 * An answer that a beam search has found, whole or its beginning.
 *
 * @param tokens its tokens, an end of sequence included
 * @param cumulativeLogprob sum of their log-probabilities
 * @param ended whether it ends with an end of sequence
 * @param logprobs one a token, or null where none were asked for
 */
public record Hypothesis(int[] tokens, double cumulativeLogprob, boolean ended, List<SampleLogprobs> logprobs) {}

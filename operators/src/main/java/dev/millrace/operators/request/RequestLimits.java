package dev.millrace.operators.request;

import java.util.List;

/**
 * What requests may ask for.
 *
 * @param models the names under which the model is served
 * @param maxModelLen most tokens of a sequence, prompt and answer
 * @param maxLogprobs most log-probabilities at a position; −1: the vocabulary
 * @param priorities whether a priority other than 0 is allowed
 * @param seed is mixed into the seeds of requests that bring none
 */
public record RequestLimits(List<String> models, int maxModelLen, int maxLogprobs, boolean priorities, long seed) {}

package dev.millrace.operators.request;

import java.io.Serializable;

/**
 * What requests may ask for.
 *
 * @param model the name under which the model is served
 * @param maxModelLen most tokens of a sequence, prompt and answer
 * @param maxLogprobs most log-probabilities at a position
 * @param priorities whether a priority other than 0 is allowed
 */
public record RequestLimits(String model, int maxModelLen, int maxLogprobs, boolean priorities)
        implements Serializable {}

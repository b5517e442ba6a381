package dev.millrace.model.executor;

import dev.millrace.model.sampling.SamplingParams;

/**
 * Gives a row to a sequence: forgets whatever the row held (its block table, counts, last token).
 *
 * @param row the row
 * @param params how the sequence's tokens are drawn
 * @param choice which of the request's answers; part of the noise key
 * @param promptIds the prompt, media placeholders included, for the repetition penalty
 * @param outputIds tokens generated before (a sequence that is restored or was preempted), for the penalties
 */
public record RowAssignment(int row, SamplingParams params, int choice, int[] promptIds, int[] outputIds) {}

package dev.millrace.gpu.step;

import dev.millrace.model.executor.ForwardBatch;

/**
 * What a step's samples are drawn for, [R, 8]: the row; the index that the token will have in its sequence; the first of the
 * step's tokens that are drafts before it, and how many there are; the number of the mask that it is bound by, or −1.
 */
final class Draws {

    static final int INTS = 8;

    private static final int DRAFTS = 3;
    private static final int NO_MASK = -1;

    private Draws() {}

    /** Of a sample that has a target nothing is drawn: it is the dummy row's. */
    static int[] of(ForwardBatch batch, int dummyRow) {
        int[] draws = new int[INTS * batch.numSamples()];
        int s = 0;
        int drafts = 0;
        StepMasks masks = StepMasks.of(batch);
        for (int i = 0; i < batch.numSamples(); i++) {
            int token = batch.sampleToken()[i];
            while (batch.cuQ()[s + 1] <= token) {
                s++;
            }
            drafts = batch.isAfterDraft(i) ? drafts + 1 : 0;
            int position = batch.contextLength()[s] - batch.cuQ()[s + 1] + token + 1;
            put(draws, i, batch.hasTarget(i) ? dummyRow : batch.sampleRow()[i], position, token - drafts + 1, drafts);
            draws[INTS * i + DRAFTS + 1] = masks.number(i);
        }
        return draws;
    }

    static boolean haveDrafts(int[] draws) {
        for (int at = DRAFTS; at < draws.length; at += INTS) {
            if (draws[at] > 0) {
                return true;
            }
        }
        return false;
    }

    /** Without a mask. */
    static void put(int[] draws, int sample, int row, int position, int firstDraft, int drafts) {
        int at = INTS * sample;
        draws[at] = row;
        draws[at + 1] = position;
        draws[at + 2] = firstDraft;
        draws[at + DRAFTS] = drafts;
        draws[at + DRAFTS + 1] = NO_MASK;
    }
}

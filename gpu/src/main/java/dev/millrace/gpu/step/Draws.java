package dev.millrace.gpu.step;

import dev.millrace.model.executor.ForwardBatch;

/**
 * What a step's samples are drawn for, [R, 4]: the row; the index that the token will have in its sequence; the first of the
 * step's tokens that are drafts before it, and how many there are.
 */
final class Draws {

    static final int INTS = 4;

    private Draws() {}

    /** Of a sample that has a target nothing is drawn: it is the dummy row's. */
    static int[] of(ForwardBatch batch, int dummyRow) {
        int[] draws = new int[INTS * batch.numSamples()];
        int s = 0;
        int drafts = 0;
        for (int i = 0; i < batch.numSamples(); i++) {
            int token = batch.sampleToken()[i];
            while (batch.cuQ()[s + 1] <= token) {
                s++;
            }
            drafts = batch.isAfterDraft(i) ? drafts + 1 : 0;
            int position = batch.contextLength()[s] - batch.cuQ()[s + 1] + token + 1;
            put(draws, i, batch.hasTarget(i) ? dummyRow : batch.sampleRow()[i], position, token - drafts + 1, drafts);
        }
        return draws;
    }

    static boolean haveDrafts(int[] draws) {
        for (int at = INTS - 1; at < draws.length; at += INTS) {
            if (draws[at] > 0) {
                return true;
            }
        }
        return false;
    }

    static void put(int[] draws, int sample, int row, int position, int firstDraft, int drafts) {
        int at = INTS * sample;
        draws[at] = row;
        draws[at + 1] = position;
        draws[at + 2] = firstDraft;
        draws[at + 3] = drafts;
    }
}

package dev.millrace.gpu.step;

import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;

/**
 * Steps whose sequences that bring drafts are computed as sequences of one token each, with one row and rising contexts:
 * then all that is made for single tokens serves them too, graphs included, and their tokens get the very bits that they
 * would get one at a time. It reads a context once for each token, mostly from the device's cache, so not where contexts
 * are long. How a sequence is computed depends on itself alone.
 */
public final class SingleTokens {

    /** From here on attention to many queries cuts contexts, too, and is the faster one where many sequences run. */
    public static final int LONG_CONTEXT = 4096;

    private SingleTokens() {}

    /** The same step; samples, tokens and their order stay as they are. */
    public static ForwardBatch of(ForwardBatch batch) {
        boolean[] afterDraft = new boolean[batch.numTokens()];
        boolean any = false;
        for (int i = 1; i < batch.numSamples(); i++) {
            if (batch.isAfterDraft(i)) {
                afterDraft[batch.sampleToken()[i]] = true;
                any = true;
            }
        }
        return any ? apart(batch, afterDraft) : batch;
    }

    private static ForwardBatch apart(ForwardBatch batch, boolean[] afterDraft) {
        int[] cuQ = new int[batch.numTokens() + 1];
        int[] contextLength = new int[batch.numTokens()];
        int[] row = new int[batch.numTokens()];
        int sequences = 0;
        for (int s = 0; s < batch.numSequences(); s++) {
            int end = batch.cuQ()[s + 1];
            int first = batch.cuQ()[s];
            boolean single = batch.contextLength()[s] < LONG_CONTEXT && isVerified(afterDraft, first, end);
            for (int next = single ? first + 1 : end; next <= end; next++) {
                contextLength[sequences] = batch.contextLength()[s] - end + next;
                row[sequences] = batch.row()[s];
                cuQ[++sequences] = next;
            }
        }
        return new ForwardBatch(
                batch.step(),
                batch.ids(),
                batch.mediaRow(),
                batch.positions(),
                Arrays.copyOf(cuQ, sequences + 1),
                Arrays.copyOf(contextLength, sequences),
                Arrays.copyOf(row, sequences),
                batch.sampleToken(),
                batch.sampleRow(),
                batch.target(),
                batch.numLogprobs(),
                batch.bannedOffsets(),
                batch.banned(),
                batch.allowed(),
                batch.tableUpdates(),
                batch.copyPairs(),
                batch.assignments(),
                batch.returnLogits(),
                batch.draft());
    }

    private static boolean isVerified(boolean[] afterDraft, int first, int end) {
        for (int t = first + 1; t < end; t++) {
            if (!afterDraft[t]) {
                return false;
            }
        }
        return true;
    }
}

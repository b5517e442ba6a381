package dev.millrace.model.executor;

import java.util.Arrays;
import java.util.List;

/**
 * One step as flat arrays: T tokens of S sequences, of which R are sampled from. Never changed after it was launched.
 *
 * <p>A sequence that speculates brings [t, d1 … dk], t being its last known token, and a sample is taken after each of
 * them. Sample j is drawn as if d1 … dj were part of its output (counts, length, position), so it is what one token at a
 * time would bring as long as the drafts before it were right. Accepted are the drafts that equal the sample before them,
 * up to the first that does not; of the row's state there remain the accepted ones and the sample after them. k = 0 is the
 * plain step.
 *
 * @param step number of the step, rising
 * @param ids [T] token ids; {@link #LAST_SAMPLED} stands for the token that the sequence's row sampled last, which an
 *     earlier step may still be computing, {@link #DRAFTED} for one that the draft model makes in this step
 * @param mediaRow [T] row of the media buffer whose embedding replaces the token's, or −1; what the row holds was reported
 *     as encoded before this step was launched
 * @param positions [3·T] m-rope positions, axis by axis (time, height, width); equal on the three axes for text
 * @param cuQ [S+1] where each sequence's tokens start in {@code ids}
 * @param contextLength [S] tokens of the sequence in the key-value cache once this step is done
 * @param row [S] each sequence's row in the executor's per-sequence state
 * @param sampleToken [R] index into the T tokens after which a token is sampled, ascending; one after the other where a
 *     sequence speculates
 * @param sampleRow [R] row whose parameters and history the sampling uses and whose last token it becomes; the same for
 *     all samples of a sequence that speculates
 * @param target [R] −1: a token is drawn; else the token whose log-probability is asked for: nothing is drawn, the row stays
 *     as it is, the output's token means nothing. At most {@link #MOST_TARGETS} a step beside one sample of each row
 * @param numLogprobs [R] −1: no log-probabilities; k ≥ 0: the drawn or targeted token's and the k likeliest
 * @param bannedOffsets [R+1] slices of {@code banned}, or an empty array where nothing is banned
 * @param banned tokens that this draw alone may not choose
 * @param allowed [R] for each sample the only tokens that this draw may choose, as [⌈V/32⌉] words of which bit t mod 32 of
 *     word t/32 stands for token t, or null for all; an empty array where no sample is so bound. At least one token is
 *     allowed; where all that are allowed are banned otherwise, the likeliest of them is taken. Never changed, may be shared
 * @param tableUpdates [3·U] triples (row, index in the row's block table, block), applied before the step
 * @param copyPairs [2·C] pairs (from, to) of blocks copied in all layers before anything is written
 * @param assignments rows that a sequence takes over in this step, before anything else
 * @param returnLogits whether the output carries the raw logits of the R samples
 * @param draft what the draft model computes first, or null
 */
public record ForwardBatch(
        long step,
        int[] ids,
        int[] mediaRow,
        int[] positions,
        int[] cuQ,
        int[] contextLength,
        int[] row,
        int[] sampleToken,
        int[] sampleRow,
        int[] target,
        int[] numLogprobs,
        int[] bannedOffsets,
        int[] banned,
        int[][] allowed,
        int[] tableUpdates,
        int[] copyPairs,
        List<RowAssignment> assignments,
        boolean returnLogits,
        DraftBatch draft) {

    /** In {@link #ids}: the token that the row sampled last. */
    public static final int LAST_SAMPLED = -1;

    /** In {@link #target}: a token is drawn. */
    public static final int DRAWN = -1;

    /** Most targets of a step beside one sample of each row, drawn or not; executors have room for as many. */
    public static final int MOST_TARGETS = 64;

    private static final int[][] ALL_ALLOWED = {};

    /** In {@link #ids}: the next of the tokens that {@link #draft} makes for this sequence. */
    public static final int DRAFTED = -2;

    /** A step whose samples are all drawn, of all tokens that are not banned, and in which no draft model takes part. */
    public ForwardBatch(
            long step,
            int[] ids,
            int[] mediaRow,
            int[] positions,
            int[] cuQ,
            int[] contextLength,
            int[] row,
            int[] sampleToken,
            int[] sampleRow,
            int[] numLogprobs,
            int[] bannedOffsets,
            int[] banned,
            int[] tableUpdates,
            int[] copyPairs,
            List<RowAssignment> assignments,
            boolean returnLogits) {
        this(
                step,
                ids,
                mediaRow,
                positions,
                cuQ,
                contextLength,
                row,
                sampleToken,
                sampleRow,
                allDrawn(sampleToken.length),
                numLogprobs,
                bannedOffsets,
                banned,
                ALL_ALLOWED,
                tableUpdates,
                copyPairs,
                assignments,
                returnLogits,
                null);
    }

    private static int[] allDrawn(int samples) {
        int[] target = new int[samples];
        Arrays.fill(target, DRAWN);
        return target;
    }

    /** The same step with the drafts known, in the order of their places. */
    public ForwardBatch withDrafts(int[] drafts) {
        int[] known = ids.clone();
        int next = 0;
        for (int i = 0; i < known.length; i++) {
            if (known[i] == DRAFTED) {
                known[i] = drafts[next++];
            }
        }
        return new ForwardBatch(
                step,
                known,
                mediaRow,
                positions,
                cuQ,
                contextLength,
                row,
                sampleToken,
                sampleRow,
                target,
                numLogprobs,
                bannedOffsets,
                banned,
                allowed,
                tableUpdates,
                copyPairs,
                assignments,
                returnLogits,
                null);
    }

    /** Whether a sample is drawn after a draft: the one before it is its sequence's too. */
    public boolean isAfterDraft(int sample) {
        return sample > 0
                && sampleRow[sample - 1] == sampleRow[sample]
                && sampleToken[sample - 1] == sampleToken[sample] - 1
                && !hasTarget(sample - 1)
                && !hasTarget(sample);
    }

    /**
     * The positions of text alone: each token's index in its sequence, on all three axes.
     *
     * @param cuQ [S+1] where each sequence's tokens start
     * @param contextLength [S] tokens of each sequence, these included
     * @return [3·T]
     */
    public static int[] textPositions(int[] cuQ, int[] contextLength) {
        int tokens = cuQ[cuQ.length - 1];
        int[] positions = new int[3 * tokens];
        for (int s = 0; s < contextLength.length; s++) {
            for (int token = cuQ[s]; token < cuQ[s + 1]; token++) {
                int index = contextLength[s] - cuQ[s + 1] + token;
                positions[token] = index;
                positions[tokens + token] = index;
                positions[2 * tokens + token] = index;
            }
        }
        return positions;
    }

    public int numTokens() {
        return ids.length;
    }

    public int numSequences() {
        return row.length;
    }

    public int numSamples() {
        return sampleToken.length;
    }

    /** Whether a sample asks for a given token's log-probability instead of being drawn. */
    public boolean hasTarget(int sample) {
        return target[sample] != DRAWN;
    }

    /** The only tokens that a sample may choose, or null for all. */
    public int[] allowed(int sample) {
        return allowed.length == 0 ? null : allowed[sample];
    }
}

package dev.millrace.model.executor;

import java.util.Arrays;
import java.util.List;

/**
 * One step as flat arrays: T tokens of S sequences, of which R are sampled from. Never changed after it was launched.
 *
 * @param step number of the step, rising
 * @param ids [T] token ids; {@link #LAST_SAMPLED} stands for the token that the sequence's row sampled last, which an
 *     earlier step may still be computing
 * @param mediaRow [T] row of the media buffer whose embedding replaces the token's, or −1; what the row holds was reported
 *     as encoded before this step was launched
 * @param positions [3·T] m-rope positions, axis by axis (time, height, width); equal on the three axes for text
 * @param cuQ [S+1] where each sequence's tokens start in {@code ids}
 * @param contextLength [S] tokens of the sequence in the key-value cache once this step is done
 * @param row [S] each sequence's row in the executor's per-sequence state
 * @param sampleToken [R] index into the T tokens after which a token is sampled, ascending
 * @param sampleRow [R] row whose parameters and history the sampling uses and whose last token it becomes
 * @param target [R] −1: a token is drawn; else the token whose log-probability is asked for: nothing is drawn, the row stays
 *     as it is, the output's token means nothing. At most {@link #MOST_TARGETS} a step
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
        boolean returnLogits) {

    /** In {@link #ids}: the token that the row sampled last. */
    public static final int LAST_SAMPLED = -1;

    /** In {@link #target}: a token is drawn. */
    public static final int DRAWN = -1;

    /** Most targets of a step; executors have room for as many samples beside one of each sequence. */
    public static final int MOST_TARGETS = 64;

    private static final int[][] ALL_ALLOWED = {};

    /** A step whose samples are all drawn, of all tokens that are not banned. */
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
                returnLogits);
    }

    private static int[] allDrawn(int samples) {
        int[] target = new int[samples];
        Arrays.fill(target, DRAWN);
        return target;
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

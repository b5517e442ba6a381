package dev.millrace.cpu.operations;

import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** One run of the draft model as a step of text: tokens at their indices, a sample after those that are drafted on. */
final class DraftPass {

    private static final int[] NONE = {};
    private static final int NO_MEDIA = -1;
    private static final int NO_LOGPROBS = -1;

    private final ForwardBatch step;
    private final DraftBatch draft;

    DraftPass(ForwardBatch step) {
        this.step = step;
        this.draft = step.draft();
    }

    /**
     * The first: what the draft model has not seen, and the rows' changes, which the step will make once more.
     *
     * @param vocabSize tokens that the draft model knows; others are another to it
     */
    ForwardBatch first(int vocabSize) {
        int[] ids =
                Arrays.stream(draft.ids()).map(id -> id < vocabSize ? id : 0).toArray();
        return batch(ids, draft.cuQ(), draft.contextLength(), draft.row(), wanting(0), true);
    }

    /** A later one: of each sequence that gets more than {@code drafted} drafts the one that it got last. */
    ForwardBatch next(int drafted) {
        int[] wanting = wanting(drafted);
        int[] ids = new int[wanting.length];
        Arrays.fill(ids, ForwardBatch.LAST_SAMPLED);
        int[] context = Arrays.stream(wanting)
                .map(s -> draft.contextLength()[s] + drafted)
                .toArray();
        int[] row = Arrays.stream(wanting).map(s -> draft.row()[s]).toArray();
        int[] all = IntStream.range(0, row.length).toArray();
        return batch(ids, IntStream.rangeClosed(0, row.length).toArray(), context, row, all, false);
    }

    private int[] wanting(int drafted) {
        return IntStream.range(0, draft.numSequences())
                .filter(s -> draft.drafts()[s] > drafted)
                .toArray();
    }

    private ForwardBatch batch(int[] ids, int[] cuQ, int[] context, int[] row, int[] sampled, boolean withChanges) {
        return new ForwardBatch(
                step.step(),
                ids,
                filled(ids.length, NO_MEDIA),
                ForwardBatch.textPositions(cuQ, context),
                cuQ,
                context,
                row,
                Arrays.stream(sampled).map(s -> cuQ[s + 1] - 1).toArray(),
                Arrays.stream(sampled).map(s -> row[s]).toArray(),
                filled(sampled.length, NO_LOGPROBS),
                NONE,
                NONE,
                withChanges ? step.tableUpdates() : NONE,
                withChanges ? step.copyPairs() : NONE,
                withChanges ? step.assignments() : List.of(),
                false);
    }

    private static int[] filled(int length, int value) {
        int[] values = new int[length];
        Arrays.fill(values, value);
        return values;
    }
}

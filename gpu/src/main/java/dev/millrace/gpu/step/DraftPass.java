package dev.millrace.gpu.step;

import dev.millrace.gpu.device.Stream;
import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One run of the draft model before a step, as a step of its own: text at its indices. What is drawn takes the next of the
 * places that the step keeps for its sequence's drafts.
 */
public final class DraftPass {

    private static final int[] NONE = {};
    private static final int FEW_TOKENS = 2;

    private final ForwardBatch batch;
    private final int[] draws;

    private DraftPass(ForwardBatch batch, int[] draws) {
        this.batch = batch;
        this.draws = draws;
    }

    /**
     * The first: what the draft model has not seen. Sequences of a token or two, as they are once their prompts were seen,
     * become single tokens, of which those in between draw nothing.
     *
     * @param vocabSize tokens that the draft model knows; others are another to it
     * @param dummyRow what draws nothing draws for it
     */
    public static DraftPass first(ForwardBatch step, int vocabSize, int dummyRow) {
        DraftBatch draft = step.draft();
        int[] ids =
                Arrays.stream(draft.ids()).map(id -> id < vocabSize ? id : 0).toArray();
        boolean single = IntStream.range(0, draft.numSequences())
                .allMatch(s -> draft.cuQ()[s + 1] - draft.cuQ()[s] <= FEW_TOKENS);
        int[] owner = new int[ids.length];
        for (int s = 0; s < draft.numSequences(); s++) {
            Arrays.fill(owner, draft.cuQ()[s], draft.cuQ()[s + 1], s);
        }
        if (single) {
            int[] context = IntStream.range(0, ids.length)
                    .map(t -> draft.contextLength()[owner[t]] - draft.cuQ()[owner[t] + 1] + t + 1)
                    .toArray();
            int[] row = Arrays.stream(owner).map(s -> draft.row()[s]).toArray();
            int[] all = rising(ids.length);
            int[] drawing = Arrays.stream(all)
                    .map(t -> t + 1 == draft.cuQ()[owner[t] + 1] && draft.drafts()[owner[t]] > 0 ? owner[t] : -1)
                    .toArray();
            return new DraftPass(
                    batch(step, ids, rising(ids.length + 1), context, row, all), draws(step, drawing, 0, dummyRow));
        }
        int[] wanting = wanting(draft, 0);
        int[] after = Arrays.stream(wanting).map(s -> draft.cuQ()[s + 1] - 1).toArray();
        return new DraftPass(
                batch(step, ids, draft.cuQ(), draft.contextLength(), draft.row(), after),
                draws(step, wanting, 0, dummyRow));
    }

    /** A later one: of each sequence that gets more than {@code drafted} drafts the one that it got last. */
    public static DraftPass next(ForwardBatch step, int drafted, int dummyRow) {
        DraftBatch draft = step.draft();
        int[] wanting = wanting(draft, drafted);
        int[] ids = new int[wanting.length];
        Arrays.fill(ids, ForwardBatch.LAST_SAMPLED);
        int[] context = Arrays.stream(wanting)
                .map(s -> draft.contextLength()[s] + drafted)
                .toArray();
        int[] row = Arrays.stream(wanting).map(s -> draft.row()[s]).toArray();
        return new DraftPass(
                batch(step, ids, rising(ids.length + 1), context, row, rising(ids.length)),
                draws(step, wanting, drafted, dummyRow));
    }

    public ForwardBatch batch() {
        return batch;
    }

    /** [R, 8], as {@link Draws} has them: rows and places of the step. */
    int[] draws() {
        return draws;
    }

    /** Brings the pass to the device; as {@link StepInputs#stage}. */
    public void stage(StepInputs inputs, Stream stream, int fill, int slot) {
        inputs.stage(stream, batch, draws, fill, slot);
    }

    private static int[] wanting(DraftBatch draft, int drafted) {
        return IntStream.range(0, draft.numSequences())
                .filter(s -> draft.drafts()[s] > drafted)
                .toArray();
    }

    /** @param sequences of the draft batch, a draw of each; -1: of the dummy row */
    private static int[] draws(ForwardBatch step, int[] sequences, int drafted, int dummyRow) {
        int[] draws = new int[Draws.INTS * sequences.length];
        int inStep = 0;
        for (int i = 0; i < sequences.length; i++) {
            if (sequences[i] < 0) {
                Draws.put(draws, i, dummyRow, 0, 0, 0);
                continue;
            }
            while (step.row()[inStep] != step.draft().row()[sequences[i]]) {
                inStep++; // sequences come in the step's order
            }
            int first = step.cuQ()[inStep + 1] - step.draft().drafts()[sequences[i]];
            int index = step.contextLength()[inStep] - step.draft().drafts()[sequences[i]] + drafted;
            Draws.put(draws, i, step.row()[inStep], index, first, drafted);
        }
        return draws;
    }

    private static ForwardBatch batch(
            ForwardBatch step, int[] ids, int[] cuQ, int[] context, int[] row, int[] sampleToken) {
        int samples = sampleToken.length;
        return new ForwardBatch(
                step.step(),
                ids,
                filled(ids.length, -1),
                ForwardBatch.textPositions(cuQ, context),
                cuQ,
                context,
                row,
                sampleToken,
                new int[samples],
                filled(samples, -1),
                NONE,
                NONE,
                NONE,
                NONE,
                List.of(),
                false);
    }

    private static int[] rising(int count) {
        return IntStream.range(0, count).toArray();
    }

    private static int[] filled(int length, int value) {
        int[] values = new int[length];
        Arrays.fill(values, value);
        return values;
    }
}

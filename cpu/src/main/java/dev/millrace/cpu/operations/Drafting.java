package dev.millrace.cpu.operations;

import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.forward.Qwen25Vl;
import java.util.Arrays;

/**
 * Makes a step's drafts: the draft model computes the tokens that it has not seen, then the drafts one after another, all
 * sequences at a time. Rows take note of drafts as of sampled tokens while that lasts, so a draft is drawn as if those
 * before it were accepted, and forget them at the end.
 */
public final class Drafting {

    private final Qwen25Vl model;
    private final CpuTextOperations text;
    private final SequenceRows rows;

    /**
     * @param text the draft model's operations, whose rows are the target's
     */
    public Drafting(Qwen25Vl model, CpuTextOperations text, SequenceRows rows) {
        this.model = model;
        this.text = text;
        this.rows = rows;
    }

    /** The drafts in the order of their places in the step. */
    public int[] draft(ForwardBatch step) {
        DraftBatch batch = step.draft();
        int[][] drafts = new int[batch.numSequences()][];
        for (int s = 0; s < drafts.length; s++) {
            drafts[s] = new int[batch.drafts()[s]];
        }
        DraftPass pass = new DraftPass(step);
        run(pass.first(text.vocabSize()), drafts, 0);
        for (int drafted = 1; drafted < batch.mostDrafts(); drafted++) {
            run(pass.next(drafted), drafts, drafted);
        }
        for (int s = 0; s < drafts.length; s++) {
            for (int draft : drafts[s]) {
                rows.get(batch.row()[s]).retract(draft);
            }
        }
        return Arrays.stream(drafts).flatMapToInt(Arrays::stream).toArray();
    }

    private void run(ForwardBatch pass, int[][] drafts, int drafted) {
        text.bind(pass);
        model.forward(text);
        int sample = 0;
        for (int[] own : drafts) {
            if (own.length > drafted) {
                own[drafted] = text.sampled()[sample++];
            }
        }
    }
}

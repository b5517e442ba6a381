package dev.millrace.operators.engine;

import dev.millrace.model.executor.DraftBatch;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.scheduler.Step;
import dev.millrace.operators.sequence.Sequence;

/**
 * Lays out what the draft model computes: every known token that it has not seen of the sequences that speculate, and of
 * all prompts, since others that share their blocks may. Good for one step.
 */
final class DraftBatchBuilder {

    private final Step step;
    private final IntList ids;
    private final IntList cuQ = new IntList(8);
    private final IntList contextLength = new IntList(8);
    private final IntList row = new IntList(8);
    private final IntList drafts = new IntList(8);

    DraftBatchBuilder(Step step) {
        this.step = step;
        this.ids = new IntList(step.numTokens());
    }

    /** Null if there is nothing to compute. */
    DraftBatch build() {
        cuQ.add(0);
        for (int i = 0; i < step.numSequences(); i++) {
            add(step.sequence(i), step.unseen(i), step.start(i), step.count(i), step.drafts(i).length);
        }
        return row.size() == 0
                ? null
                : new DraftBatch(
                        ids.toArray(0), cuQ.toArray(0), contextLength.toArray(0), row.toArray(0), drafts.toArray(0));
    }

    private void add(Sequence sequence, int unseen, int start, int count, int wanted) {
        int end = Math.min(start + count, sequence.known());
        if (unseen >= end || !sequence.speculates() && start >= sequence.promptLength()) {
            return;
        }
        for (int i = unseen; i < end; i++) {
            ids.add(sequence.tokens().get(i));
        }
        cuQ.add(ids.size());
        contextLength.add(end);
        row.add(sequence.placement().row());
        drafts.add(wanted);
    }
}

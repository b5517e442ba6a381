package dev.millrace.cpu.operations;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.RowAssignment;

/** The rows of per-sequence state. */
public final class SequenceRows {

    private final RowState[] rows;

    public SequenceRows(int count) {
        rows = new RowState[count];
        for (int i = 0; i < count; i++) {
            rows[i] = new RowState();
        }
    }

    RowState get(int row) {
        return rows[row];
    }

    /** Applies a step's assignments, then its block-table updates. */
    void apply(ForwardBatch batch) {
        for (RowAssignment assignment : batch.assignments()) {
            rows[assignment.row()].assign(assignment);
        }
        int[] updates = batch.tableUpdates();
        for (int i = 0; i < updates.length; i += 3) {
            rows[updates[i]].setBlock(updates[i + 1], updates[i + 2]);
        }
    }
}

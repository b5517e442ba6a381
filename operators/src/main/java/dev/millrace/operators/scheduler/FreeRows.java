package dev.millrace.operators.scheduler;

/** The rows of the executor's per-sequence state that no sequence has. */
final class FreeRows {

    private final int[] rows;
    private int size;

    FreeRows(int count) {
        rows = new int[count];
        for (int row = count - 1; row >= 0; row--) {
            give(row);
        }
    }

    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    int take() {
        return rows[--size];
    }

    void give(int row) {
        rows[size++] = row;
    }
}

package dev.millrace.cpu.operations;

/** A buffer of rows that grows to the largest step; new memory is zero, so columns that nobody writes stay zero. */
final class Activations {

    private final int stride;
    private float[] values = {};

    Activations(int stride) {
        this.stride = stride;
    }

    /** Makes room for so many rows, and those that a tile may read beyond them. Growing forgets what was there. */
    void reserve(int rows) {
        long wanted = (long) (rows + Compute.SPARE_ROWS) * stride;
        if (wanted > values.length) {
            values = new float[Math.toIntExact(wanted)];
        }
    }

    float[] values() {
        return values;
    }

    int stride() {
        return stride;
    }

    /** Where a row starts. */
    int row(int row) {
        return row * stride;
    }
}

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

    /** The first columns of the first rows, without what pads them. */
    float[] copy(int rows, int columns) {
        float[] copy = new float[Math.multiplyExact(rows, columns)];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row(row), copy, row * columns, columns);
        }
        return copy;
    }

    /** Where a row starts. */
    int row(int row) {
        return row * stride;
    }
}

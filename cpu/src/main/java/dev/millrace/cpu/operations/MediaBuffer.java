package dev.millrace.cpu.operations;

/** Embeddings of media tokens: rows of the decoder's width, padded like its activations. */
public final class MediaBuffer {

    private final int rows;
    private final int width;
    private final int stride;
    private final float[] values;

    public MediaBuffer(int rows, int width, int stride) {
        if ((long) rows * stride > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("a media buffer of " + rows + " rows of " + width
                    + " values is more than one Java array holds; at most " + (Integer.MAX_VALUE - 8) / stride
                    + " rows are possible");
        }
        this.rows = rows;
        this.width = width;
        this.stride = stride;
        this.values = new float[rows * stride];
    }

    public int rows() {
        return rows;
    }

    /** Copies a row into {@code out}, as long as an activation row. */
    void get(int row, float[] out, int offset) {
        System.arraycopy(values, row * stride, out, offset, stride);
    }

    /** Stores a part of a row. */
    void put(int row, int from, float[] source, int offset, int length) {
        System.arraycopy(source, offset, values, row * stride + from, Math.min(length, width - from));
    }

    /** Copies rows: {@code indices.length × width} values. */
    public float[] read(int[] indices) {
        float[] out = new float[indices.length * width];
        for (int i = 0; i < indices.length; i++) {
            System.arraycopy(values, indices[i] * stride, out, i * width, width);
        }
        return out;
    }
}

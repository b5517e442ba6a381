package dev.millrace.cpu.operations;

/**
 * Rotary position embedding over halves (GPT-NeoX order): dimension i turns with dimension i + hd/2. Angles are single
 * precision, as in the reference; their sines and cosines are computed in double precision and rounded.
 */
final class Rope {

    private final int half;
    private final float[] frequencies;
    private final int[] axes;

    /**
     * @param theta base of the frequencies
     * @param frequencies how many there are: θ^(−i/frequencies)
     * @param pairs which frequency turns each pair of dimensions
     * @param axes which position axis turns each pair of dimensions
     */
    private Rope(double theta, int frequencies, int[] pairs, int[] axes) {
        this.half = pairs.length;
        this.axes = axes;
        this.frequencies = new float[half];
        for (int i = 0; i < half; i++) {
            this.frequencies[i] = 1f / (float) StrictMath.pow(theta, (float) pairs[i] / frequencies);
        }
    }

    /** Rope of the decoder: the sections cut the frequencies into consecutive pieces, one an axis. */
    static Rope text(double theta, int headDim, int[] sections) {
        int half = headDim / 2;
        int[] pairs = new int[half];
        int[] axes = new int[half];
        int end = 0;
        for (int i = 0, axis = 0; i < half; i++) {
            pairs[i] = i;
            if (sections != null) {
                while (i >= end + sections[axis]) {
                    end += sections[axis++];
                }
                axes[i] = axis;
            }
        }
        return new Rope(theta, half, pairs, axes);
    }

    /** Rope of the vision tower: the first half of the pairs turns with the row, the second with the column. */
    static Rope vision(int headDim) {
        int half = headDim / 2;
        int[] pairs = new int[half];
        int[] axes = new int[half];
        for (int i = 0; i < half; i++) {
            pairs[i] = i % (half / 2);
            axes[i] = i / (half / 2);
        }
        return new Rope(10_000, half / 2, pairs, axes);
    }

    /** Pairs of dimensions. */
    int half() {
        return half;
    }

    /** Multiplications that a row of the tables costs, roughly: a sine and a cosine are some thousands. */
    long cost() {
        return 4096L * half;
    }

    /** Fills row {@code row} of the tables [rows, hd/2] for a token, whose position on an axis lies {@code stride} apart. */
    void angles(int[] positions, int token, int stride, float[] cos, float[] sin, int row) {
        for (int i = 0; i < half; i++) {
            double angle = positions[axes[i] * stride + token] * frequencies[i];
            cos[row * half + i] = (float) StrictMath.cos(angle);
            sin[row * half + i] = (float) StrictMath.sin(angle);
        }
    }

    /** Turns one head's vector in place. */
    void turn(float[] x, int offset, float[] cos, float[] sin, int row) {
        int table = row * half;
        for (int i = 0; i < half; i++) {
            float a = x[offset + i];
            float b = x[offset + half + i];
            x[offset + i] = a * cos[table + i] - b * sin[table + i];
            x[offset + half + i] = b * cos[table + i] + a * sin[table + i];
        }
    }
}

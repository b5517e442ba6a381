package dev.millrace.model.media;

/**
 * 8-bit values to the numbers that the model was trained on, in the reference's order of operations: mean and standard
 * deviation times 255 in 32-bit floats, then {@code (value − mean) / std} (transformers
 * {@code image_processing_utils_fast.py}, {@code rescale_and_normalize}).
 */
final class PixelScale {

    private final float[][] table = new float[3][256];

    PixelScale(double[] mean, double[] std) {
        for (int c = 0; c < 3; c++) {
            float scaledMean = (float) mean[c] * 255f;
            float scaledStd = (float) std[c] * 255f;
            for (int v = 0; v < 256; v++) {
                table[c][v] = (v - scaledMean) / scaledStd;
            }
        }
    }

    /** Spreads {@code count} interleaved pixels over three planes of {@code out} that lie {@code plane} apart. */
    void copy(byte[] rgb, int from, int count, float[] out, int to, int plane) {
        float[] red = table[0];
        float[] green = table[1];
        float[] blue = table[2];
        for (int x = 0, i = from; x < count; x++, i += 3) {
            out[to + x] = red[rgb[i] & 0xff];
            out[to + plane + x] = green[rgb[i + 1] & 0xff];
            out[to + 2 * plane + x] = blue[rgb[i + 2] & 0xff];
        }
    }
}

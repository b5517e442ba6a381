package dev.millrace.cpu.kernel;

/** {@link MatrixKernel} without vector instructions. */
final class ScalarMatrixKernel implements MatrixKernel {

    private static final int HALF = PANEL / 2;

    @Override
    public void column(int[] w, int panel, int k, float[] x, int column, float[] out) {
        column(w, panel, k, x, column, out, 0);
    }

    @Override
    public void tile(int[] w, int panel, int k, float[] x, int column, int stride, float[] out) {
        for (int i = 0; i < TILE; i++) {
            column(w, panel, k, x, column + i * stride, out, i * PANEL);
        }
    }

    @Override
    public void column(float[] w, int panel, int k, float[] x, int column, float[] out) {
        column(w, panel, k, x, column, out, 0);
    }

    @Override
    public void tile(float[] w, int panel, int k, float[] x, int column, int stride, float[] out) {
        for (int i = 0; i < TILE; i++) {
            column(w, panel, k, x, column + i * stride, out, i * PANEL);
        }
    }

    private static void column(int[] w, int panel, int k, float[] x, int column, float[] out, int to) {
        int length = k / PIECES;
        for (int n = 0; n < HALF; n++) {
            float low = 0;
            float high = 0;
            for (int piece = 0; piece < PIECES; piece++) {
                float lowPiece = 0;
                float highPiece = 0;
                for (int i = piece * length; i < (piece + 1) * length; i++) {
                    int word = w[panel + i * HALF + n];
                    lowPiece = Math.fma(Float.intBitsToFloat(word << 16), x[column + i], lowPiece);
                    highPiece = Math.fma(Float.intBitsToFloat(word & 0xFFFF0000), x[column + i], highPiece);
                }
                low += lowPiece;
                high += highPiece;
            }
            out[to + n] = low;
            out[to + HALF + n] = high;
        }
    }

    private static void column(float[] w, int panel, int k, float[] x, int column, float[] out, int to) {
        int length = k / PIECES;
        for (int n = 0; n < PANEL; n++) {
            float sum = 0;
            for (int piece = 0; piece < PIECES; piece++) {
                float part = 0;
                for (int i = piece * length; i < (piece + 1) * length; i++) {
                    part = Math.fma(w[panel + i * PANEL + n], x[column + i], part);
                }
                sum += part;
            }
            out[to + n] = sum;
        }
    }
}

package dev.millrace.cpu.operations;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.cpu.kernel.MatrixKernel;
import dev.millrace.cpu.parallel.ThreadTeam;
import dev.millrace.cpu.weights.Linear;
import dev.millrace.cpu.weights.PackedMatrix;

/** The means of computing: kernels, threads and their scratch memory; and the two operations that every half-block has. */
public final class Compute {

    /** Rows that an activation buffer has beyond its columns, because a tile may read past the last one. */
    static final int SPARE_ROWS = MatrixKernel.TILE;

    /** From so many columns on a tile costs less than they do one by one. */
    private static final int WORTH_A_TILE = 6;

    /** Columns that stay in the second-level cache while panels pass by. */
    private static final int CHUNK = 64;

    /**
     * Multiplications, some microseconds' worth, that make a share of their own. Smaller loops stay with the caller: were
     * the system to hold a thread back that took part of one, the whole step would wait for it.
     */
    private static final int WORTH_A_SHARE = 262_144;

    private final Kernels kernels;
    private final ThreadTeam team;
    private final Scratch[] scratch;

    public Compute(Kernels kernels, ThreadTeam team) {
        this.kernels = kernels;
        this.team = team;
        this.scratch = new Scratch[team.size()];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = new Scratch();
        }
    }

    /** Takes 32 outputs of a product for one column. */
    interface Output {

        /** @param values the outputs; 32 from {@code offset} on are panel {@code panel} of column {@code column} */
        void accept(float[] values, int offset, int panel, int column);
    }

    Kernels kernels() {
        return kernels;
    }

    int threads() {
        return scratch.length;
    }

    Scratch scratch(int worker) {
        return scratch[worker];
    }

    /**
     * Shares items among the threads.
     *
     * @param cost multiplications an item takes, roughly
     */
    void share(int items, long cost, ThreadTeam.Body body) {
        team.run(items, (int) Math.max(1, Math.min(items, WORTH_A_SHARE / Math.max(1, cost))), body);
    }

    /** Gives {@code out} the product of a projection with each of the columns, {@code stride} apart; its bias is added. */
    void multiply(Linear linear, float[] x, int stride, int columns, Output out) {
        float[] bias = linear.bias();
        multiply(linear.matrix(), x, stride, columns, (values, offset, panel, column) -> {
            int from = panel * MatrixKernel.PANEL;
            for (int i = 0; i < MatrixKernel.PANEL; i++) {
                values[offset + i] += bias[from + i];
            }
            out.accept(values, offset, panel, column);
        });
    }

    /** Gives {@code out} the product of a matrix with each of the columns, {@code stride} apart. */
    void multiply(PackedMatrix matrix, float[] x, int stride, int columns, Output out) {
        int panels = matrix.panels();
        int chunks = (columns + CHUNK - 1) / CHUNK;
        long cost = (long) matrix.inner() * MatrixKernel.PANEL * Math.min(columns, CHUNK);
        share(panels * chunks, cost, (worker, from, to) -> {
            float[] tile = scratch[worker].tile;
            for (int item = from; item < to; item++) {
                int first = item / panels * CHUNK;
                multiplyPanel(matrix, item % panels, x, stride, first, Math.min(columns, first + CHUNK), tile, out);
            }
        });
    }

    private void multiplyPanel(
            PackedMatrix matrix, int panel, float[] x, int stride, int first, int end, float[] tile, Output out) {
        MatrixKernel kernel = kernels.matrix();
        int column = first;
        while (end - column >= WORTH_A_TILE) {
            int count = Math.min(MatrixKernel.TILE, end - column);
            matrix.tile(kernel, panel, x, column * stride, stride, tile);
            for (int i = 0; i < count; i++) {
                out.accept(tile, i * MatrixKernel.PANEL, panel, column + i);
            }
            column += count;
        }
        for (; column < end; column++) {
            matrix.column(kernel, panel, x, column * stride, tile);
            out.accept(tile, 0, panel, column);
        }
    }

    /** y ← x · weight / √(mean x² + eps), row by row; rows are {@code stride} apart in both, {@code width} values count. */
    void rmsNorm(float[] x, float[] weight, double eps, int width, int stride, int rows, float[] y) {
        share(rows, 4L * stride, (worker, from, to) -> {
            for (int row = from; row < to; row++) {
                rmsNormRow(x, row * stride, weight, eps, width, stride, y, row * stride, scratch[worker].lanes);
            }
        });
    }

    /** {@link #rmsNorm} of one row. */
    void rmsNormRow(
            float[] x, int from, float[] weight, double eps, int width, int stride, float[] y, int to, float[] lanes) {
        float squares = kernels.row().sumOfSquares(x, from, stride, lanes);
        float scale = (float) (1 / Math.sqrt((double) squares / width + eps));
        for (int i = 0; i < stride; i++) {
            y[to + i] = x[from + i] * scale * weight[i];
        }
    }
}

package dev.millrace.cpu.kernel;

/**
 * The inner loops of the forward pass. Two implementations exist, with vector instructions and without, and their results
 * are equal bit for bit.
 *
 * <p>Why: a replayed generation must reproduce its tokens, whatever shared a step with it, on whichever machine. So the
 * order of every sum is part of the contract. A product sums over its inner dimension in {@link MatrixKernel#PIECES}
 * consecutive pieces, each in order, and adds them to zero one by one. A sum over a row runs in {@link #LANES} virtual lanes (the index
 * modulo 16), in order within a lane, and the lanes are added by {@link LaneSum}. A value is never part of another
 * position's sum. Every multiplication that feeds an addition is fused with it.
 */
public record Kernels(MatrixKernel matrix, AttentionKernel attention, RowKernel row) {

    /** Virtual lanes of every row sum, whatever the vectors' width. */
    public static final int LANES = 16;

    private static final String MODULE = "jdk.incubator.vector";

    /** Whether this JVM was started with the module that vector instructions need. */
    public static boolean vectorAvailable() {
        return ModuleLayer.boot().findModule(MODULE).isPresent();
    }

    /**
     * The kernels to use on this JVM.
     *
     * @throws IllegalArgumentException if it has no vector instructions and none but scalar ones are left; says what to do
     */
    public static Kernels choose(boolean allowScalar) {
        if (vectorAvailable()) {
            return vector();
        }
        if (allowScalar) {
            return scalar();
        }
        throw new IllegalArgumentException("The JVM was started without the module " + MODULE
                + ", which vector instructions need. Start it with: --add-modules " + MODULE
                + " (in a Flink cluster: env.java.opts.taskmanager: --add-modules=" + MODULE
                + "), or pass --allow-scalar to compute without them, many times slower.");
    }

    public static Kernels vector() {
        return new Kernels(new VectorMatrixKernel(), new VectorAttentionKernel(), new VectorRowKernel());
    }

    public static Kernels scalar() {
        return new Kernels(new ScalarMatrixKernel(), new ScalarAttentionKernel(), new ScalarRowKernel());
    }
}

package dev.millrace.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * What plain Vector API loops reach on this machine now, so that a share means something: a bf16 matrix times one vector,
 * and an fp32 matrix times sixteen. Every thread has a matrix of its own, of demo-vl's size for the first (it streams from
 * the cache that the model would lie in) and resident in the nearest cache for the second.
 */
final class Ceiling {

    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, jdk.incubator.vector.VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
    private static final int K = 256;
    private static final int COLUMNS = 16;
    private static final int DEMO_WEIGHTS = 3 << 20; // a thread's half of demo-vl's decoder
    private static final int ROUNDS = 5; // the first ones are compiled meanwhile
    private static final long ROUND_NANOS = 300_000_000;

    private Ceiling() {}

    /** GFLOP/s of all threads together: bf16 matrix, one column. */
    static double matrixVector(int threads) throws InterruptedException {
        int rows = DEMO_WEIGHTS / K;
        return measure(
                threads,
                () -> {
                    short[] matrix = new short[rows * K];
                    float[] x = new float[K];
                    return () -> matrixVector(matrix, x, rows);
                },
                2.0 * rows * K);
    }

    /** GFLOP/s of all threads together: fp32 matrix, sixteen columns. */
    static double sixteenColumns(int threads) throws InterruptedException {
        int rows = 64;
        return measure(
                threads,
                () -> {
                    float[] matrix = new float[rows * K];
                    float[] x = new float[COLUMNS * K];
                    return () -> sixteenColumns(matrix, x, rows);
                },
                2.0 * rows * K * COLUMNS);
    }

    private interface Setup {
        Callable<Float> newLoop();
    }

    private static double measure(int threads, Setup setup, double flops) throws InterruptedException {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            double best = 0;
            for (int i = 0; i < ROUNDS; i++) {
                best = Math.max(best, run(pool, threads, setup, flops));
            }
            return best;
        } finally {
            pool.shutdown();
        }
    }

    private static double run(ExecutorService pool, int threads, Setup setup, double flops)
            throws InterruptedException {
        List<Callable<Double>> tasks = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            tasks.add(() -> rate(setup.newLoop(), flops));
        }
        double sum = 0;
        for (var rate : pool.invokeAll(tasks)) {
            try {
                sum += rate.get();
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            }
        }
        return sum;
    }

    private static double rate(Callable<Float> loop, double flops) throws Exception {
        long start = System.nanoTime();
        long calls = 0;
        float kept = 0;
        while (System.nanoTime() - start < ROUND_NANOS) {
            kept += loop.call();
            calls++;
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        return kept == 0 ? calls * flops / seconds / 1e9 : 0;
    }

    private static float matrixVector(short[] matrix, float[] x, int rows) {
        float out = 0;
        int step = FLOATS.length();
        for (int row = 0; row < rows; row += 4) {
            int at = row * K;
            FloatVector a = FloatVector.zero(FLOATS);
            FloatVector b = a;
            FloatVector c = a;
            FloatVector d = a;
            for (int k = 0; k < K; k += step) {
                FloatVector v = FloatVector.fromArray(FLOATS, x, k);
                a = widen(matrix, at + k).fma(v, a);
                b = widen(matrix, at + K + k).fma(v, b);
                c = widen(matrix, at + 2 * K + k).fma(v, c);
                d = widen(matrix, at + 3 * K + k).fma(v, d);
            }
            out += a.add(b).add(c.add(d)).lane(0);
        }
        return out;
    }

    private static FloatVector widen(short[] matrix, int at) {
        return ((IntVector) ShortVector.fromArray(SHORTS, matrix, at).convertShape(VectorOperators.S2I, INTS, 0))
                .lanewise(VectorOperators.LSHL, 16)
                .reinterpretAsFloats();
    }

    private static float sixteenColumns(float[] matrix, float[] x, int rows) {
        float out = 0;
        for (int row = 0; row < rows; row += 2) {
            for (int column = 0; column < COLUMNS; column += 4) {
                out += tile(matrix, row * K, x, column * K);
            }
        }
        return out;
    }

    /** Two rows by four columns in eight accumulators. */
    private static float tile(float[] matrix, int w, float[] x, int c) {
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        for (int k = 0; k < K; k += FLOATS.length()) {
            FloatVector a = FloatVector.fromArray(FLOATS, matrix, w + k);
            FloatVector b = FloatVector.fromArray(FLOATS, matrix, w + K + k);
            FloatVector x0 = FloatVector.fromArray(FLOATS, x, c + k);
            FloatVector x1 = FloatVector.fromArray(FLOATS, x, c + K + k);
            FloatVector x2 = FloatVector.fromArray(FLOATS, x, c + 2 * K + k);
            FloatVector x3 = FloatVector.fromArray(FLOATS, x, c + 3 * K + k);
            a0 = a.fma(x0, a0);
            a1 = a.fma(x1, a1);
            a2 = a.fma(x2, a2);
            a3 = a.fma(x3, a3);
            b0 = b.fma(x0, b0);
            b1 = b.fma(x1, b1);
            b2 = b.fma(x2, b2);
            b3 = b.fma(x3, b3);
        }
        return a0.add(a1).add(a2.add(a3)).add(b0.add(b1).add(b2.add(b3))).lane(0);
    }
}

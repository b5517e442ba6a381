package dev.millrace.cpu;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.cpu.kernel.MatrixKernel;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Measures the matrix kernels on one thread and prints GFLOP/s beside the ceiling: what a loop of nothing but fused
 * multiplications on registers reaches on the same machine in the same run.
 */
public final class KernelBenchmark {

    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final long NANOS_PER_ROUND = 200_000_000;
    private static final int ROUNDS = 5;

    private KernelBenchmark() {}

    public static void main(String[] args) {
        MatrixKernel kernel = Kernels.vector().matrix();
        float[] out = new float[MatrixKernel.TILE * MatrixKernel.PANEL];
        double ceiling = gigaflops(4000L * 16 * 2 * SPECIES.length(), () -> out[0] += registersOnly(4000));
        System.out.printf(
                Locale.ROOT, "%d-bit vectors, ceiling %.1f GFLOP/s a thread%n", SPECIES.vectorBitSize(), ceiling);
        for (int k : new int[] {256, 640, 3584}) {
            int panels = Math.max(1, (2 << 20) / (k * MatrixKernel.PANEL));
            int[] words = new Random(1)
                    .ints((long) panels * k * 16)
                    .map(i -> i & 0x3F803F80)
                    .toArray();
            float[] x = new float[k * MatrixKernel.TILE];
            Arrays.fill(x, 0.5f);
            double column = gigaflops(2L * panels * k * MatrixKernel.PANEL, () -> {
                for (int p = 0; p < panels; p++) {
                    kernel.column(words, p * k * 16, k, x, 0, out);
                }
            });
            double tile = gigaflops(2L * panels * k * MatrixKernel.PANEL * MatrixKernel.TILE, () -> {
                for (int p = 0; p < panels; p++) {
                    kernel.tile(words, p * k * 16, k, x, 0, k, out);
                }
            });
            System.out.printf(
                    Locale.ROOT,
                    "inner %5d: one column %6.1f GFLOP/s (%2.0f %%), eight columns %6.1f GFLOP/s (%2.0f %%)%n",
                    k,
                    column,
                    100 * column / ceiling,
                    tile,
                    100 * tile / ceiling);
        }
    }

    /** Best of the rounds, so that other work on the machine counts as little as possible. */
    private static double gigaflops(long flops, Runnable work) {
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long start = System.nanoTime();
            long runs = 0;
            long elapsed;
            do {
                work.run();
                runs++;
                elapsed = System.nanoTime() - start;
            } while (elapsed < NANOS_PER_ROUND);
            best = Math.max(best, (double) flops * runs / elapsed);
        }
        return best;
    }

    private static float registersOnly(int n) {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector a = x;
        FloatVector b = x;
        FloatVector c = x;
        FloatVector d = x;
        FloatVector e = x;
        FloatVector f = x;
        FloatVector g = x;
        FloatVector h = x;
        for (int i = 0; i < 2 * n; i++) {
            a = a.fma(x, x);
            b = b.fma(x, x);
            c = c.fma(x, x);
            d = d.fma(x, x);
            e = e.fma(x, x);
            f = f.fma(x, x);
            g = g.fma(x, x);
            h = h.fma(x, x);
        }
        return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).lane(0);
    }
}

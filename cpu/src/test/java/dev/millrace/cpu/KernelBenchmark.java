package dev.millrace.cpu;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.cpu.kernel.MatrixKernel;
import java.lang.management.ManagementFactory;
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

    private static long processorNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** Best of the rounds by processor time, so that other work on the machine counts as little as possible. */
    private static double gigaflops(long flops, Runnable work) {
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long start = processorNanos();
            long runs = 0;
            long elapsed;
            do {
                work.run();
                runs++;
                elapsed = processorNanos() - start;
            } while (elapsed < NANOS_PER_ROUND);
            best = Math.max(best, (double) flops * runs / elapsed);
        }
        return best;
    }

    private static float registersOnly(int n) {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector aa = x;
        FloatVector bb = x;
        FloatVector cc = x;
        FloatVector dd = x;
        FloatVector ee = x;
        FloatVector ff = x;
        FloatVector gg = x;
        FloatVector hh = x;
        FloatVector ii = x;
        FloatVector jj = x;
        FloatVector kk = x;
        FloatVector ll = x;
        FloatVector mm = x;
        FloatVector nn = x;
        FloatVector oo = x;
        FloatVector pp = x;
        for (int i = 0; i < n; i++) {
            aa = aa.fma(x, x);
            bb = bb.fma(x, x);
            cc = cc.fma(x, x);
            dd = dd.fma(x, x);
            ee = ee.fma(x, x);
            ff = ff.fma(x, x);
            gg = gg.fma(x, x);
            hh = hh.fma(x, x);
            ii = ii.fma(x, x);
            jj = jj.fma(x, x);
            kk = kk.fma(x, x);
            ll = ll.fma(x, x);
            mm = mm.fma(x, x);
            nn = nn.fma(x, x);
            oo = oo.fma(x, x);
            pp = pp.fma(x, x);
        }
        FloatVector sum = x;
        sum = sum.add(aa);
        sum = sum.add(bb);
        sum = sum.add(cc);
        sum = sum.add(dd);
        sum = sum.add(ee);
        sum = sum.add(ff);
        sum = sum.add(gg);
        sum = sum.add(hh);
        sum = sum.add(ii);
        sum = sum.add(jj);
        sum = sum.add(kk);
        sum = sum.add(ll);
        sum = sum.add(mm);
        sum = sum.add(nn);
        sum = sum.add(oo);
        sum = sum.add(pp);
        return sum.lane(0);
    }
}

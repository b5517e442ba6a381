package dev.millrace.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Vector and scalar kernels agree bit for bit on random shapes. */
class KernelsTest {

    private static final Kernels VECTOR = Kernels.vector();
    private static final Kernels SCALAR = Kernels.scalar();

    private final Random random = new Random(1);

    @Test
    void productsAgree() {
        for (int k : new int[] {64, 128, 320, 1024}) {
            int[] words = random.ints(3L * k * 16)
                    .map(word -> word & 0x3FFF3FFF | 0x30003000)
                    .toArray();
            float[] floats = values(3 * k * 32);
            float[] x = values(9 * k + 40);
            float[][] columns = new float[4][32];
            VECTOR.matrix().column(words, k * 16, k, x, 7, columns[0]);
            SCALAR.matrix().column(words, k * 16, k, x, 7, columns[1]);
            VECTOR.matrix().column(floats, k * 32, k, x, 7, columns[2]);
            SCALAR.matrix().column(floats, k * 32, k, x, 7, columns[3]);
            assertThat(columns[0]).isEqualTo(columns[1]);
            assertThat(columns[2]).isEqualTo(columns[3]);
            float[][] tiles = new float[4][8 * 32];
            VECTOR.matrix().tile(words, k * 16, k, x, 7, k + 3, tiles[0]);
            SCALAR.matrix().tile(words, k * 16, k, x, 7, k + 3, tiles[1]);
            VECTOR.matrix().tile(floats, k * 32, k, x, 7, k + 3, tiles[2]);
            SCALAR.matrix().tile(floats, k * 32, k, x, 7, k + 3, tiles[3]);
            assertThat(tiles[0]).isEqualTo(tiles[1]).startsWith(columns[0]);
            assertThat(tiles[2]).isEqualTo(tiles[3]).startsWith(columns[2]);
        }
    }

    @Test
    void attentionAgrees() {
        float[][] s = new float[2][];
        float[][] sums = new float[2][4];
        float[][] out = new float[2][4 * 32];
        float[] q = values(500);
        float[] k = values(4 * 80 * 16);
        float[] v = values(4 * 96 * 16);
        for (int headDim : new int[] {16, 24, 80}) {
            for (int length : new int[] {1, 15, 16, 17, 31, 32}) {
                for (int i = 0; i < 2; i++) {
                    AttentionKernel kernel = (i == 0 ? VECTOR : SCALAR).attention();
                    s[i] = new float[4 * 32];
                    kernel.scores(q, new int[] {3, 90, 200, 90}, headDim, k, 0, headDim * 16, 0.3f, s[i], 32, 0, 16);
                    for (int row = 0; row < 4; row++) {
                        sums[i][row] = kernel.softmax(s[i], row * 32, Math.max(1, length - row), 32, new float[16]);
                    }
                    kernel.values(s[i], 32, v, new int[] {96 * 16, 0}, 96, 32, length, out[i]);
                }
                assertThat(s[0]).isEqualTo(s[1]);
                assertThat(sums[0]).isEqualTo(sums[1]);
                assertThat(out[0]).isEqualTo(out[1]);
            }
        }
    }

    @Test
    void rowsAgree() {
        for (int n : new int[] {16, 48, 256, 1280}) {
            float[] x = values(n + 5);
            assertThat(VECTOR.row().sumOfSquares(x, 5, n, new float[16]))
                    .isEqualTo(SCALAR.row().sumOfSquares(x, 5, n, new float[16]));
        }
        float[] gateUp = values(32);
        gateUp[0] = 200;
        gateUp[1] = -200;
        gateUp[2] = 0;
        gateUp[3] = -0f;
        float[][] out = new float[2][16];
        VECTOR.row().siluMultiply(gateUp, 0, out[0], 0);
        SCALAR.row().siluMultiply(gateUp, 0, out[1], 0);
        assertThat(out[0]).isEqualTo(out[1]);
        assertThat(out[0][0]).isEqualTo(200 * gateUp[16]);
    }

    @Test
    void exponentialsAgreeAndAreExactToTwoUnits() {
        float[] x = new float[4096];
        for (int i = 0; i < x.length; i++) {
            x[i] = (random.nextFloat() - 0.5f) * 200;
        }
        x[0] = Float.NEGATIVE_INFINITY;
        x[1] = Float.POSITIVE_INFINITY;
        x[2] = -87f;
        x[3] = 88f;
        x[4] = 0;
        float[] vector = new float[x.length];
        VectorMath.exp(x, 0, 1f, 0f, vector, 0, x.length);
        for (int i = 0; i < x.length; i++) {
            assertThat(vector[i]).isEqualTo(FloatMath.exp(x[i]));
            if (x[i] >= -87 && x[i] <= 88) {
                double exact = StrictMath.exp(x[i]);
                assertThat((double) vector[i]).isCloseTo(exact, within(2.0 * Math.ulp((float) exact)));
            }
        }
        assertThat(vector[0]).isZero();
        assertThat(vector[1]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(vector[4]).isEqualTo(1);
        assertThat(FloatMath.exp(Float.NaN)).isNaN();
    }

    @Test
    void theErrorFunctionIsExactToAMillionth() {
        for (int i = -600; i <= 600; i++) {
            double x = i / 100.0;
            assertThat((double) FloatMath.erf((float) x)).isCloseTo(erf(x), within(1e-6));
        }
        assertThat(FloatMath.gelu(0)).isZero();
        assertThat(FloatMath.gelu(10)).isEqualTo(10);
    }

    /** Simpson's rule over the definition. */
    private static double erf(double x) {
        int n = 2000;
        double h = x / n;
        double sum = IntStream.rangeClosed(0, n)
                .mapToDouble(i -> (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2) * Math.exp(-(i * h) * (i * h)))
                .sum();
        return 2 / Math.sqrt(Math.PI) * h / 3 * sum;
    }

    private float[] values(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}

package dev.millrace.cpu.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.checkpoint.Tensor;
import dev.millrace.model.checkpoint.Tensor.Dtype;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PackedMatrixTest {

    private static final int OUTPUTS = 45;
    private static final int INNER = 70;

    @Test
    void productsAreThoseOfTheStoredMatrix() {
        Tensor stored = stored(Dtype.F32);
        float[] x = new float[PackedMatrix.padInner(INNER)];
        Random random = new Random(2);
        for (int k = 0; k < INNER; k++) {
            x[k] = (float) random.nextGaussian();
        }
        for (boolean exact : new boolean[] {true, false}) {
            PackedMatrix packed = PackedMatrix.pack(stored, OUTPUTS, INNER, exact);
            assertThat(packed.panels()).isEqualTo(2);
            float[] out = new float[32];
            float[] weights = new float[packed.inner()];
            for (int n = 0; n < OUTPUTS; n++) {
                packed.column(Kernels.scalar().matrix(), n / 32, x, 0, out);
                packed.row(n, weights, 0);
                double expected = 0;
                for (int k = 0; k < INNER; k++) {
                    float value = stored.data().getFloat(4 * (n * INNER + k));
                    assertThat(weights[k]).isEqualTo(exact ? value : rounded(value));
                    expected += (double) weights[k] * x[k];
                }
                assertThat((double) out[n % 32]).isCloseTo(expected, within(1e-5));
            }
        }
    }

    @Test
    void aMatrixInSeveralWindowsIsPackedAsOneInOne() {
        Tensor whole = stored(Dtype.F32);
        List<ByteBuffer> windows = new ArrayList<>();
        int bytes = 4 * INNER * 20;
        for (int start = 0; start < whole.data().limit(); start += bytes) {
            windows.add(whole.data()
                    .slice(start, Math.min(bytes, whole.data().limit() - start))
                    .order(ByteOrder.LITTLE_ENDIAN));
        }
        Tensor parts = new Tensor("w", Dtype.F32, whole.shape(), windows);
        PackedMatrix expected = PackedMatrix.pack(whole, OUTPUTS, INNER, true);
        PackedMatrix packed = PackedMatrix.pack(parts, OUTPUTS, INNER, true);
        assertThat(windows).hasSizeGreaterThan(1);
        for (int n = 0; n < OUTPUTS; n++) {
            assertThat(row(packed, n)).isEqualTo(row(expected, n));
        }
    }

    private static float[] row(PackedMatrix matrix, int output) {
        float[] values = new float[matrix.inner()];
        matrix.row(output, values, 0);
        return values;
    }

    @Test
    void roundingIsToTheNearestEven() {
        assertThat(rounded(Float.intBitsToFloat(0x3F808000))).isEqualTo(Float.intBitsToFloat(0x3F800000));
        assertThat(rounded(Float.intBitsToFloat(0x3F818000))).isEqualTo(Float.intBitsToFloat(0x3F820000));
        assertThat(rounded(Float.intBitsToFloat(0x3F808001))).isEqualTo(Float.intBitsToFloat(0x3F810000));
        assertThat(rounded(Float.NaN)).isNaN();
        assertThat(rounded(Float.NEGATIVE_INFINITY)).isEqualTo(Float.NEGATIVE_INFINITY);
    }

    @Test
    void halvesAreReadAsTheyAre() {
        assertThat(TensorValues.half((short) 0x3C00)).isEqualTo(1);
        assertThat(TensorValues.half((short) 0xC000)).isEqualTo(-2);
        assertThat(TensorValues.half((short) 0x3555)).isEqualTo(0.33325195f);
        assertThat(TensorValues.half((short) 0x0001)).isEqualTo(0x1p-24f);
        assertThat(TensorValues.half((short) 0x7C00)).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(TensorValues.half((short) 0x7E00)).isNaN();
    }

    private static float rounded(float value) {
        return Float.intBitsToFloat(TensorValues.bfloat16(value) << 16);
    }

    private static Tensor stored(Dtype dtype) {
        ByteBuffer data = ByteBuffer.allocate(OUTPUTS * INNER * 4).order(ByteOrder.LITTLE_ENDIAN);
        Random random = new Random(1);
        while (data.hasRemaining()) {
            data.putFloat((float) random.nextGaussian());
        }
        return new Tensor("w", dtype, new long[] {OUTPUTS, INNER}, data.rewind());
    }
}

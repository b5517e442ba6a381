package dev.millrace.gpu.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("device")
class BlasTest {
    private static final int GUARD = 16;

    private Device device;
    private Stream stream;
    private Blas blas;

    @BeforeEach
    void open() {
        device = Device.open(0);
        stream = device.newStream();
        blas = device.newBlas(stream, device.allocate(4 << 20, "cuBLAS workspace"));
    }

    @AfterEach
    void close() {
        device.close();
    }

    /**
     * The inputs are small multiples of 1/8, so that every sum is exact in fp32 in any order; what is stored as bf16 is
     * rounded by at most 2^-8 of its value. Where a product is added to what is there, cuBLAS may round it to bf16 before, as
     * its kernels that split the inner dimension do, so that two roundings count.
     */
    @ParameterizedTest
    @CsvSource({
        "F32, F32, 1, 1, 1, 0",
        "F32, F32, 1, 37, 53, 0",
        "F32, F32, 5, 64, 48, 1",
        "BF16, BF16, 1, 8, 8, 0",
        "BF16, BF16, 3, 64, 40, 0",
        "BF16, BF16, 17, 128, 64, 1",
        "BF16, F32, 9, 72, 120, 0",
    })
    void productsEqualTheSumsOfTheirDefinition(Type type, Type yType, int rows, int in, int out, float beta) {
        int padding = 8;
        Random random = new Random(rows * 31L + in);
        float[] w = multiples(random, out * (in + padding));
        float[] x = multiples(random, rows * (in + padding));
        float[] y = multiples(random, rows * (out + padding));
        DeviceBuffer ys = upload(y, yType);
        blas.multiply(
                type,
                upload(w, type),
                out,
                in,
                in + padding,
                upload(x, type),
                rows,
                in + padding,
                ys,
                yType,
                out + padding,
                beta);
        float[] actual = download(ys, y.length, yType);
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < out + padding; o++) {
                int at = r * (out + padding) + o;
                double product = 0;
                for (int i = 0; i < in && o < out; i++) {
                    product += x[r * (in + padding) + i] * (double) w[o * (in + padding) + i];
                }
                double expected = o < out ? product + beta * y[at] : y[at];
                double roundedFirst = beta == 0 ? 0 : Math.abs(product) / 256;
                double tolerance = roundedFirst + (Math.abs(expected) + roundedFirst) / 256;
                assertThat((double) actual[at]).isCloseTo(expected, within(yType == Type.BF16 ? tolerance : 0));
            }
        }
    }

    @Test
    void aProductInAGraphIsTheSameAsOutside() {
        float[] w = multiples(new Random(1), 64 * 64);
        float[] x = multiples(new Random(2), 4 * 64);
        DeviceBuffer ws = upload(w, Type.F32);
        DeviceBuffer xs = upload(x, Type.F32);
        DeviceBuffer eager = upload(new float[4 * 64], Type.F32);
        DeviceBuffer captured = upload(new float[4 * 64], Type.F32);
        blas.multiply(Type.F32, ws, 64, 64, 64, xs, 4, 64, eager, Type.F32, 64, 0);
        Graph graph =
                stream.capture(() -> blas.multiply(Type.F32, ws, 64, 64, 64, xs, 4, 64, captured, Type.F32, 64, 0));
        assertThat(download(captured, 4 * 64, Type.F32)).containsOnly(0);
        stream.launch(graph);
        assertThat(download(captured, 4 * 64, Type.F32)).isEqualTo(download(eager, 4 * 64, Type.F32));
    }

    @Test
    void aMatrixThatReachesBeyondItsBufferIsRefused() {
        DeviceBuffer w = device.allocate(4 * 8 * 8, "w");
        DeviceBuffer x = device.allocate(4 * 8, "x");
        DeviceBuffer y = device.allocate(4 * 8 - 1, "y");
        assertThatThrownBy(() -> blas.multiply(Type.F32, w, 8, 8, 8, x, 1, 8, y, Type.F32, 8, 0))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("bytes 0 to 32 of y, which has 31");
        assertThatThrownBy(() -> blas.multiply(Type.F32, w, 8, 8, 7, x, 1, 8, y, Type.F32, 8, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theLastRowNeedsNoPaddingBehindIt() {
        DeviceBuffer w = upload(new float[8 * 8], Type.F32);
        DeviceBuffer x = upload(new float[16 + 8], Type.F32);
        DeviceBuffer y = upload(new float[12 + 8], Type.F32);
        blas.multiply(Type.F32, w, 8, 8, 8, x, 2, 16, y, Type.F32, 12, 0);
        stream.synchronize();
    }

    private static float[] multiples(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (random.nextInt(17) - 8) / 8f;
        }
        return values;
    }

    /** With guard bytes behind, which cuBLAS may not touch and {@link #download} checks. */
    private DeviceBuffer upload(float[] values, Type type) {
        int bytes = values.length * type.bytes();
        PinnedBuffer host = device.allocatePinned(bytes + GUARD, "upload");
        ByteBuffer view = host.bytes();
        for (float value : values) {
            if (type == Type.BF16) {
                view.putShort((short) (Float.floatToIntBits(value) >>> 16));
            } else {
                view.putFloat(value);
            }
        }
        while (view.hasRemaining()) {
            view.put((byte) 0xA5);
        }
        DeviceBuffer whole = device.allocate(bytes + GUARD, "matrix");
        stream.copyToDevice(whole, 0, host, 0, bytes + GUARD);
        return whole;
    }

    private float[] download(DeviceBuffer whole, int count, Type type) {
        PinnedBuffer host = device.allocatePinned(whole.bytes(), "download");
        stream.copyToHost(host, 0, whole, 0, whole.bytes());
        stream.synchronize();
        ByteBuffer view = host.bytes();
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = type == Type.BF16 ? Float.intBitsToFloat(view.getShort() << 16) : view.getFloat();
        }
        while (view.hasRemaining()) {
            assertThat(view.get()).isEqualTo((byte) 0xA5);
        }
        return values;
    }
}

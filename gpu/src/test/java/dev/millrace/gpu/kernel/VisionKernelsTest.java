package dev.millrace.gpu.kernel;

import static dev.millrace.gpu.Agreement.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The tower's element-wise kernels against double arithmetic. In fp32 a result differs by some roundings of its terms
 * (2^-24 each); in bf16 by the rounding of what is stored (2^-8 of it) besides.
 */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VisionKernelsTest {

    private static final double FP32 = 0x1p-20;

    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    private static double relative(Type type) {
        return type == Type.F32 ? FP32 : 0x1p-8;
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void ropeTurnsByRowAndColumn(Type type) {
        Randoms randoms = new Randoms(2);
        for (int[] shape : new int[][] {{4, 16, 80}, {1, 2, 16}, {21, 3, 20}, {7, 5, 32}, {13, 1, 4}, {6, 2, 128}}) {
            int patches = shape[0];
            int heads = shape[1];
            int headDim = shape[2];
            int half = headDim / 2;
            int width = heads * headDim;
            int[] positions = new int[2 * patches];
            Arrays.setAll(positions, i -> randoms.between(0, 300));
            float[] qkv = TestDevice.rounded(type, randoms.normal(3 * patches * width));
            float[] bias = randoms.normal(3 * width);

            VisionRope kernel = new VisionRope(test.device(), new VisionShape(type, heads, headDim));
            DeviceBuffer cosines = test.poisoned(Type.F32, (long) patches * half);
            DeviceBuffer sines = test.poisoned(Type.F32, (long) patches * half);
            float[] frequencies = VisionRope.frequencies(headDim);
            kernel.angles(test.stream(), test.ints(positions), test.floats(frequencies), patches, cosines, sines);
            DeviceBuffer x = test.values(type, qkv);
            DeviceBuffer guarded = test.poisoned(type, qkv.length);
            test.stream().copy(guarded, 0, x, 0, x.bytes());
            kernel.launch(test.stream(), guarded, patches, test.floats(bias), cosines, sines);

            double[] expected = new double[qkv.length];
            for (int i = 0; i < qkv.length; i++) {
                int patch = i / (3 * width);
                int within = i % (3 * width);
                double sum = (double) qkv[i] + bias[within];
                if (within >= 2 * width) {
                    expected[i] = sum;
                    continue;
                }
                int d = within % headDim;
                int pair = d % half;
                int partner = d < half ? i + half : i - half;
                double other = (double) qkv[partner] + bias[partner % (3 * width)];
                int axis = pair / (half / 2);
                float angle = positions[axis * patches + patch] * frequencies[pair % (half / 2)];
                expected[i] = sum * Math.cos(angle) + (d < half ? -1 : 1) * other * Math.sin(angle);
            }
            // two terms of size up to 6 that may cancel
            assertClose("rope " + Arrays.toString(shape), test.read(type, guarded), expected, 8 * FP32, relative(type));
            test.read(Type.F32, cosines);
            test.read(Type.F32, sines);
        }
    }

    @Test
    void ropePutsTheBitsOfKeysAndValuesInPlanes() {
        int heads = 3;
        int headDim = 80;
        int patches = 21;
        int width = heads * headDim;
        Randoms randoms = new Randoms(8);
        VisionRope kernel = new VisionRope(test.device(), new VisionShape(Type.BF16, heads, headDim));
        float[] qkv = TestDevice.rounded(Type.BF16, randoms.normal(patches * 3 * width));
        DeviceBuffer bias = test.floats(randoms.normal(3 * width));
        DeviceBuffer cosines = test.floats(randoms.normal(patches * headDim / 2));
        DeviceBuffer sines = test.floats(randoms.normal(patches * headDim / 2));
        DeviceBuffer inPlace = guarded(Type.BF16, qkv);
        DeviceBuffer queries = guarded(Type.BF16, qkv);
        DeviceBuffer planes = test.poisoned(Type.BF16, 2L * patches * width);
        kernel.launch(test.stream(), inPlace, patches, bias, cosines, sines);
        kernel.launch(test.stream(), queries, patches, bias, cosines, sines, planes);
        float[] expected = test.read(Type.BF16, inPlace);
        float[] actualQueries = test.read(Type.BF16, queries);
        float[] actual = test.read(Type.BF16, planes);
        for (int i = 0; i < expected.length; i++) {
            int patch = i / (3 * width);
            int within = i % (3 * width);
            int head = within % width / headDim;
            int d = within % headDim;
            int plane = (head * 2 + within / width - 1) * (headDim / 8) + d / 8;
            float value = within < width ? actualQueries[i] : actual[(plane * patches + patch) * 8 + d % 8];
            assertThat(value).as("value %d of patch %d", within, patch).isEqualTo(expected[i]);
        }
        VisionRope other = new VisionRope(test.device(), new VisionShape(Type.F32, heads, headDim));
        assertThatThrownBy(() -> other.launch(test.stream(), queries, patches, bias, cosines, sines, planes))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no planes");
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void normIsThatOfTheUnroundedSumOfStreamProductAndBias(Type type) {
        Randoms randoms = new Randoms(3);
        for (int[] shape : new int[][] {{5, 1280, 1280}, {1, 32, 64}, {9, 48, 64}, {3, 36, 64}, {6, 1500, 1536}}) {
            for (boolean inPlace : new boolean[] {true, false}) {
                int rows = shape[0];
                int width = shape[1];
                int stride = shape[2];
                float[] v = TestDevice.rounded(type, randoms.normal(rows * width));
                float[] product = TestDevice.rounded(type, randoms.normal(rows * width));
                float[] bias = randoms.normal(width);
                float[] weight = randoms.normal(width);
                DeviceBuffer stream = guarded(type, padded(v, width, stride));
                DeviceBuffer products = guarded(type, padded(product, width, stride));
                DeviceBuffer out = inPlace ? products : test.poisoned(type, (long) rows * stride);
                new AddNorm(test.device(), type, 1e-6, width, stride)
                        .launch(test.stream(), stream, rows, products, test.floats(bias), test.floats(weight), out);
                float[] sum = new float[rows * width];
                for (int i = 0; i < sum.length; i++) {
                    sum[i] = v[i] + (product[i] + bias[i % width]);
                }
                assertThat(unpadded(test.read(type, stream), width, stride)).isEqualTo(TestDevice.rounded(type, sum));
                assertNormed("sum and norm " + Arrays.toString(shape), type, test.read(type, out), sum, weight, stride);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void normAloneLeavesTheStreamAsItIs(Type type) {
        Randoms randoms = new Randoms(7);
        for (int[] shape : new int[][] {{5, 1280, 1280}, {3, 36, 64}, {6, 1500, 1536}}) {
            int width = shape[1];
            int stride = shape[2];
            float[] v = TestDevice.rounded(type, randoms.normal(shape[0] * width));
            float[] weight = randoms.normal(width);
            float[] wide = padded(v, width, stride);
            DeviceBuffer stream = guarded(type, wide);
            DeviceBuffer out = test.poisoned(type, wide.length);
            new AddNorm(test.device(), type, 1e-6, width, stride)
                    .launch(test.stream(), stream, shape[0], test.floats(weight), out);
            assertThat(test.read(type, stream)).isEqualTo(wide);
            assertNormed("norm " + Arrays.toString(shape), type, test.read(type, out), v, weight, stride);
        }
    }

    /** Rows of {@code stride} values; what lies behind the width means nothing. */
    private static float[] padded(float[] values, int width, int stride) {
        float[] wide = new float[values.length / width * stride];
        Arrays.fill(wide, Float.NaN);
        for (int row = 0; row < values.length / width; row++) {
            System.arraycopy(values, row * width, wide, row * stride, width);
        }
        return wide;
    }

    private static float[] unpadded(float[] wide, int width, int stride) {
        float[] values = new float[wide.length / stride * width];
        for (int row = 0; row < wide.length / stride; row++) {
            System.arraycopy(wide, row * stride, values, row * width, width);
        }
        return values;
    }

    private DeviceBuffer guarded(Type type, float[] values) {
        DeviceBuffer buffer = test.poisoned(type, values.length);
        test.stream().copy(buffer, 0, test.values(type, values), 0, (long) values.length * type.bytes());
        return buffer;
    }

    private static void assertNormed(String what, Type type, float[] actual, float[] v, float[] weight, int stride) {
        int width = weight.length;
        double[] expected = new double[v.length / width * stride];
        for (int row = 0; row < v.length / width; row++) {
            double squares = 0;
            for (int i = 0; i < width; i++) {
                squares += (double) v[row * width + i] * v[row * width + i];
            }
            double scale = 1 / Math.sqrt(squares / width + 1e-6);
            for (int i = 0; i < width; i++) {
                expected[row * stride + i] = v[row * width + i] * scale * weight[i];
            }
        }
        // one rounding, of half a step; a norm of the rounded sum would have two
        assertClose(what, actual, expected, 0, type == Type.F32 ? FP32 : 0x1.02p-8);
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void gatesAndUpsReceiveTheirBiases(Type type) {
        Randoms randoms = new Randoms(4);
        for (int[] shape : new int[][] {{1, 64}, {7, 448}, {10, 3456}}) {
            int rows = shape[0];
            int width = shape[1];
            float[] gateUp = TestDevice.rounded(type, randoms.normal(2 * rows * width));
            float[] bias = randoms.normal(2 * width);
            DeviceBuffer f = test.poisoned(type, (long) rows * width);
            new SiluMul(test.device(), type)
                    .launch(test.stream(), test.values(type, gateUp), rows, test.floats(bias), width, f);
            double[] expected = new double[rows * width];
            for (int i = 0; i < expected.length; i++) {
                int at = i / width * 2 * width + i % width;
                double gate = (double) gateUp[at] + bias[i % width];
                double up = (double) gateUp[at + width] + bias[width + i % width];
                expected[i] = gate / (1 + Math.exp(-gate)) * up;
            }
            // a sum near nought keeps the rounding of its terms, up to 2^-22, times the other factor
            assertClose("silu " + Arrays.toString(shape), test.read(type, f), expected, 8 * FP32, relative(type));
        }
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void geluIsTheExactOne(Type type) {
        Randoms randoms = new Randoms(5);
        for (int[] shape : new int[][] {{1, 64}, {3, 192}, {2, 5120}}) {
            int rows = shape[0];
            int width = shape[1];
            float[] x = TestDevice.rounded(type, randoms.normal(rows * width));
            float[] bias = randoms.normal(width);
            DeviceBuffer guarded = test.poisoned(type, x.length);
            test.stream().copy(guarded, 0, test.values(type, x), 0, (long) x.length * type.bytes());
            new BiasGelu(test.device(), type).launch(test.stream(), guarded, rows, test.floats(bias), width);
            double[] expected = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                double u = (double) x[i] + bias[i % width];
                expected[i] = u * normalDistribution(u);
            }
            // 1 + erf cancels at the left: its rounding of 2^-24 counts in full, times up to 8
            assertClose("gelu " + Arrays.toString(shape), test.read(type, guarded), expected, 8 * FP32, relative(type));
        }
    }

    /** By Simpson's rule, to 1e-12: Java has no erf. */
    private static double normalDistribution(double x) {
        int steps = 2000;
        double h = x / steps;
        double sum = 0;
        for (int i = 0; i <= steps; i++) {
            double t = i * h;
            int factor = i == 0 || i == steps ? 1 : 2 + 2 * (i % 2);
            sum += factor * Math.exp(-t * t / 2);
        }
        return 0.5 + sum * h / 3 / Math.sqrt(2 * Math.PI);
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void embeddingsGoToTheirMediaRowsAndNowhereElse(Type type) {
        Randoms randoms = new Randoms(6);
        int width = 300;
        int count = 7;
        int[] rows = {5, 0, 11, 3, 8, 1, 10};
        float[] from = TestDevice.rounded(type, randoms.normal(count * width));
        float[] bias = randoms.normal(width);
        DeviceBuffer media = test.poisoned(type, 12L * width);
        new ScatterMedia(test.device(), type)
                .launch(
                        test.stream(),
                        test.values(type, from),
                        count,
                        test.floats(bias),
                        test.ints(rows),
                        width,
                        media);
        float[] expected = new float[12 * width];
        Arrays.fill(expected, Float.NaN);
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < width; j++) {
                expected[rows[i] * width + j] = TestDevice.rounded(type, from[i * width + j] + bias[j]);
            }
        }
        assertThat(test.read(type, media)).isEqualTo(expected);
    }
}

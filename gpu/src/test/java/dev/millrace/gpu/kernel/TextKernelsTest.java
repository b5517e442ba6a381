package dev.millrace.gpu.kernel;

import static dev.millrace.gpu.Agreement.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The decoder's smaller kernels against double arithmetic on the same stored values. In fp32 a result differs by some
 * roundings of its terms (2^-24 each); in bf16 by the rounding of what is stored (2^-9 of it) besides.
 */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TextKernelsTest {

    private static final double SCALE = Double.parseDouble(System.getProperty("millrace.test.scale", "1"));
    private static final double FP32 = 0x1p-20;
    private static final double EPSILON = 1e-6;

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
    void rowsAreNormedWithZerosBehindThem(Type type) {
        Randoms randoms = new Randoms(1);
        for (int[] shape : new int[][] {
            {1, 7, 64}, {5, 64, 64}, {3, 3584, 3584}, {3, 9001, 9024}, {Math.max(700, (int) (4096 * SCALE)), 300, 320}
        }) { // the last has more rows than a device has room for at a time
            int rows = shape[0];
            int width = shape[1];
            int stride = shape[2];
            float[] x = TestDevice.rounded(type, randoms.normal(rows * stride));
            float[] weight = randoms.normal(width);
            RmsNorm norm = new RmsNorm(test.device(), type, EPSILON);
            DeviceBuffer in = test.values(type, x);
            DeviceBuffer w = test.floats(weight);
            DeviceBuffer out = test.poisoned(type, (long) rows * stride);
            norm.launch(test.stream(), in, rows, w, width, stride, out);
            assertClose("norm", test.read(type, out), norms(x, null, rows, weight, stride), 0, relative(type));
            int[] picked = {rows - 1, 0, rows / 2};
            DeviceBuffer gathered = test.poisoned(type, (long) picked.length * stride);
            long addresses = test.ints(picked).address();
            norm.gather(test.stream(), in, addresses, picked.length, w, width, stride, gathered);
            double[] expected = norms(x, picked, picked.length, weight, stride);
            assertClose("norm of some", test.read(type, gathered), expected, 0, relative(type));
        }
    }

    private static double[] norms(float[] x, int[] rows, int count, float[] weight, int stride) {
        double[] out = new double[count * stride];
        for (int r = 0; r < count; r++) {
            int from = (rows == null ? r : rows[r]) * stride;
            double sum = 0;
            for (int i = 0; i < weight.length; i++) {
                sum += (double) x[from + i] * x[from + i];
            }
            double scale = 1 / Math.sqrt(sum / weight.length + EPSILON);
            for (int i = 0; i < weight.length; i++) {
                out[r * stride + i] = x[from + i] * scale * weight[i];
            }
        }
        return out;
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void tokensGetTheirEmbeddingOrTheirMediaRow(Type type) {
        Randoms randoms = new Randoms(2);
        int tokens = 37;
        int width = 70;
        int stride = 128;
        float[] table = TestDevice.rounded(type, randoms.normal(20 * stride));
        float[] media = TestDevice.rounded(type, randoms.normal(9 * width));
        int[] ids = new int[tokens];
        int[] rows = new int[tokens];
        double[] expected = new double[tokens * stride];
        for (int t = 0; t < tokens; t++) {
            ids[t] = randoms.between(0, 19);
            rows[t] = t % 3 == 0 ? randoms.between(0, 8) : -1;
            for (int i = 0; i < width; i++) {
                expected[t * stride + i] = rows[t] >= 0 ? media[rows[t] * width + i] : table[ids[t] * stride + i];
            }
        }
        DeviceBuffer x = test.poisoned(type, (long) tokens * stride);
        new Embedding(test.device(), type)
                .launch(
                        test.stream(),
                        test.ints(ids),
                        test.ints(rows).address(),
                        tokens,
                        test.values(type, table),
                        test.values(type, media),
                        width,
                        stride,
                        x);
        assertClose("embedded", test.read(type, x), expected, 0, 0);
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void gatesMultiplyUps(Type type) {
        Randoms randoms = new Randoms(3);
        for (int[] shape : new int[][] {{1, 192}, {600, 64}, {16_500, 8}, {Math.max(5, (int) (300 * SCALE)), 4160}}) {
            int tokens = shape[0];
            int width = shape[1];
            float[] gateUp = TestDevice.rounded(type, randoms.normal(tokens * 2 * width));
            gateUp[0] = -100; // whose exponential overflows
            double[] expected = new double[tokens * width];
            for (int i = 0; i < expected.length; i++) {
                int at = i / width * 2 * width + i % width;
                expected[i] = gateUp[at] / (1 + Math.exp(-(double) gateUp[at])) * gateUp[at + width];
            }
            DeviceBuffer f = test.poisoned(type, (long) tokens * width);
            new SiluMul(test.device(), type).launch(test.stream(), test.values(type, gateUp), tokens, width, f);
            assertClose("gated", test.read(type, f), expected, 1e-30, relative(type));
        }
    }

    @Test
    void idsSlotsAnglesAndItemsAreDerivedFromTheInputs() {
        CacheShape shape = new CacheShape(Type.F32, 6, 2, 20);
        int[] sections = {3, 2, 5};
        int[] queries = {1, 19, 1, 40, 6};
        int[] contexts = {1, 19, 33, 77, 200};
        int[] ids = new int[67];
        Arrays.setAll(ids, i -> i % 5 == 0 ? ForwardBatch.LAST_SAMPLED : i + 100);
        RopeTable rope = RopeTable.text(test.device(), test.stream(), 10_000, shape.headDim(), sections);
        PagedStep step = new PagedStep(test, shape.headDim(), new Randoms(4), ids, queries, contexts);
        step.prepare(test, shape, rope, test.ints(9, 8, 7, 6, 5));
        int[] tokenIds = ints(step.derived.tokenIds(), 67);
        int[] sequences = ints(step.derived.sequences(), 67);
        int[] slots = ints(step.derived.slots(), 2 * 67);
        float[] cosines = floats(step.derived.cosines(), 67 * 10);
        float[] sines = floats(step.derived.sines(), 67 * 10);
        for (int s = 0, t = 0; s < queries.length; s++) {
            for (int i = 0; i < queries[s]; i++, t++) {
                assertThat(tokenIds[t]).isEqualTo(t % 5 == 0 ? 9 - step.rows[s] : t + 100);
                assertThat(sequences[t]).isEqualTo(s);
                assertThat(slots[2 * t]).isEqualTo((int) step.slot(s, step.index(s, i)));
                assertThat(slots[2 * t + 1]).isZero();
                for (int pair = 0; pair < 10; pair++) {
                    int axis = pair < 3 ? 0 : pair < 5 ? 1 : 2;
                    float frequency = 1f / (float) StrictMath.pow(10_000, (float) pair / 10);
                    double angle =
                            step.positions[axis * 67 + t] * frequency; // a product of floats, as in the reference
                    // CUDA's sincosf is exact to 2 ulp (CUDA C++ programming guide, mathematical functions)
                    assertThat(cosines[t * 10 + pair]).isCloseTo((float) Math.cos(angle), within());
                    assertThat(sines[t * 10 + pair]).isCloseTo((float) Math.sin(angle), within());
                }
            }
        }
        int[] firstItem = ints(step.derived.firstItem(), queries.length + 1);
        int[] expected = new int[queries.length + 1];
        for (int s = 0; s < queries.length; s++) {
            expected[s + 1] = expected[s] + (queries[s] * 3 + PagedAttention.TILE - 1) / PagedAttention.TILE;
        }
        assertThat(firstItem).isEqualTo(expected);
    }

    private static Offset<Float> within() {
        return Offset.offset(0x1p-22f);
    }

    @ParameterizedTest
    @EnumSource(Type.class)
    void queriesAndKeysTurnAndKeysAndValuesGoToTheirSlots(Type type) {
        for (int[] heads : new int[][] {{4, 2, 16}, {7, 1, 128}, {8, 8, 80}, {3, 3, 2}}) {
            CacheShape shape = new CacheShape(type, heads[0], heads[1], heads[2]);
            Randoms randoms = new Randoms(5);
            int[] queries = {1, 18, 3, 410}; // more tokens than a device has room for at a time
            int[] contexts = {20, 18, 35, 415};
            PagedStep step = new PagedStep(test, shape.headDim(), randoms, null, queries, contexts);
            RopeTable rope = RopeTable.text(test.device(), test.stream(), 10_000, shape.headDim(), null);
            step.prepare(test, shape, rope, test.ints(0, 0, 0, 0));
            float[] qkv = TestDevice.rounded(type, randoms.normal(step.tokens() * shape.qkvWidth()));
            float[] bias = randoms.normal(shape.qkvWidth());
            DeviceBuffer q = test.poisoned(type, (long) step.tokens() * shape.queryWidth());
            DeviceBuffer cache = test.poisoned(type, step.numBlocks * shape.blockBytes() / type.bytes());
            new QkvRope(test.device(), shape)
                    .launch(
                            test.stream(),
                            test.values(type, qkv),
                            step.tokens(),
                            test.floats(bias),
                            step.derived,
                            q,
                            cache);
            Turned turned = new Turned(step, shape, qkv, bias);
            // a difference of two products: their roundings are of the terms, not of the result
            assertClose("queries", test.read(type, q), turned.queries, 8 * FP32, relative(type));
            assertStored(test.read(type, cache), turned.cache, type);
        }
    }

    private static void assertStored(float[] actual, double[] expected, Type type) {
        for (int i = 0; i < expected.length; i++) {
            if (Double.isNaN(expected[i])) {
                assertThat(actual[i]).as("a slot of no token").isNaN();
            } else {
                assertThat((double) actual[i])
                        .isCloseTo(expected[i], Offset.offset(8 * FP32 + relative(type) * Math.abs(expected[i])));
            }
        }
    }

    /** What the rotation makes of a step, in double precision. */
    private static final class Turned {
        private final double[] queries;
        private final double[] cache;
        private final PagedStep step;
        private final CacheShape shape;
        private final float[] qkv;
        private final float[] bias;

        private Turned(PagedStep step, CacheShape shape, float[] qkv, float[] bias) {
            this.step = step;
            this.shape = shape;
            this.qkv = qkv;
            this.bias = bias;
            queries = new double[step.tokens() * shape.queryWidth()];
            cache = new double
                    [Math.toIntExact(
                            step.numBlocks * shape.blockBytes() / shape.type().bytes())];
            Arrays.fill(cache, Double.NaN);
            for (int s = 0, t = 0; s < step.queries.length; s++) {
                for (int i = 0; i < step.queries[s]; i++, t++) {
                    token(t, step.slot(s, step.index(s, i)));
                }
            }
        }

        private void token(int t, long slot) {
            int size = shape.headDim();
            for (int head = 0; head < shape.queryHeads(); head++) {
                turn(t, head * size, queries, (t * shape.queryHeads() + head) * size);
            }
            for (int head = 0; head < shape.keyHeads(); head++) {
                int key = shape.queryWidth() + head * size;
                turn(t, key, cache, PagedStep.cacheOffset(shape, slot, 0, head));
                int value = key + shape.keyHeads() * size;
                for (int d = 0; d < size; d++) {
                    cache[PagedStep.cacheOffset(shape, slot, 1, head) + d] = biased(t, value + d);
                }
            }
        }

        private void turn(int t, int from, double[] to, int at) {
            int half = shape.headDim() / 2;
            for (int d = 0; d < half; d++) {
                float frequency = 1f / (float) StrictMath.pow(10_000, (float) d / half);
                double angle = step.positions[t] * frequency;
                double a = biased(t, from + d);
                double b = biased(t, from + d + half);
                to[at + d] = a * Math.cos(angle) - b * Math.sin(angle);
                to[at + d + half] = b * Math.cos(angle) + a * Math.sin(angle);
            }
        }

        private double biased(int t, int i) {
            return (double) qkv[t * shape.qkvWidth() + i] + bias[i];
        }
    }

    @Test
    void blocksAreCopiedInAllLayers() {
        int layers = 3;
        int blocks = 7;
        int blockValues = 32;
        float[] values = new Randoms(6).normal(layers * blocks * blockValues);
        DeviceBuffer cache = test.floats(values);
        new CopyBlocks(test.device())
                .launch(test.stream(), test.ints(5, 0, 2, 6).address(), 2, cache, layers, blockValues * 4L);
        float[] expected = values.clone();
        for (int layer = 0; layer < layers; layer++) {
            int start = layer * blocks * blockValues;
            System.arraycopy(values, start + 5 * blockValues, expected, start, blockValues);
            System.arraycopy(values, start + 2 * blockValues, expected, start + 6 * blockValues, blockValues);
        }
        assertThat(floats(cache, values.length)).isEqualTo(expected);
    }

    private int[] ints(DeviceBuffer buffer, int count) {
        int[] values = new int[count];
        try (PinnedBuffer staging = test.device().allocatePinned(4L * count, "a test's result")) {
            test.stream().copyToHost(staging, 0, buffer, 0, 4L * count);
            test.stream().synchronize();
            staging.bytes().asIntBuffer().get(values);
        }
        return values;
    }

    private float[] floats(DeviceBuffer buffer, int count) {
        float[] values = new float[count];
        int[] bits = ints(buffer, count);
        for (int i = 0; i < count; i++) {
            values[i] = Float.intBitsToFloat(bits[i]);
        }
        return values;
    }
}

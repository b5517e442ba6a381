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
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Paged attention against double arithmetic over the same stored values. A result is an average of values of order one, so
 * what differs are roundings of scores and weights (2^-24 each, some hundreds of them) and in bf16 of what is stored (2^-9).
 * All slots that belong to no token of a sequence are NaN.
 */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PagedAttentionTest {

    private static final double SCALE = Double.parseDouble(System.getProperty("millrace.test.scale", "1"));
    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    @ParameterizedTest
    @CsvSource({
        "F32, 4, 2, 16",
        "F32, 7, 1, 128",
        "BF16, 14, 2, 128",
        "BF16, 8, 8, 80",
        "F32, 6, 1, 6",
        "BF16, 16, 1, 64",
    })
    void eachQueryAttendsToItsContext(Type type, int queryHeads, int keyHeads, int headDim) {
        CacheShape shape = new CacheShape(type, queryHeads, keyHeads, headDim);
        int longest = Math.max(50, (int) (4096 * SCALE));
        Case c = new Case(shape, 1, new int[] {1, 1, 5, 33, 1, 17}, new int[] {1, longest, 5, 40, 33, 160});
        assertClose(
                "attended", c.run(), c.expected(), type == Type.F32 ? 2e-6 : 1e-4, type == Type.F32 ? 1e-5 : 0x1p-8);
    }

    @Test
    void neitherTheBatchNorTheCutIntoChunksChangesABit() {
        CacheShape shape = new CacheShape(Type.F32, 6, 2, 48);
        Case whole = new Case(shape, 2, new int[] {75}, new int[] {75});
        float[] expected = whole.run();
        Case among = new Case(shape, 3, new int[] {3, 75, 40}, new int[] {100, 75, 40});
        among.adopt(whole, 0, 1);
        assertThat(slice(among, among.run(), 1)).isEqualTo(expected);
        int width = shape.queryWidth();
        for (int[] chunk : new int[][] {{0, 1}, {0, 20}, {20, 53}, {53, 75}, {74, 75}}) {
            Case part = new Case(shape, 4, new int[] {chunk[1] - chunk[0]}, new int[] {chunk[1]});
            part.adoptChunk(whole, chunk[0], chunk[1]);
            assertThat(part.run()).isEqualTo(Arrays.copyOfRange(expected, chunk[0] * width, chunk[1] * width));
        }
    }

    @Test
    void largerHeadsThanThereIsRoomForAreRefused() {
        assertThatThrownBy(() -> new CacheShape(Type.BF16, 4, 2, 130))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("130")
                .hasMessageContaining("128");
    }

    private float[] slice(Case c, float[] all, int s) {
        int width = c.shape.queryWidth();
        return Arrays.copyOfRange(all, c.step.cuQ[s] * width, c.step.cuQ[s + 1] * width);
    }

    /** Queries, keys and values of a step. */
    private final class Case {
        private final CacheShape shape;
        private final PagedStep step;
        private final float[] q;
        private final float[][][] cached; // [sequence][part][token · keyHeads · headDim]

        Case(CacheShape shape, long seed, int[] queries, int[] contexts) {
            this.shape = shape;
            Randoms randoms = new Randoms(seed);
            step = new PagedStep(test, shape.headDim(), randoms, null, queries, contexts);
            q = TestDevice.rounded(shape.type(), randoms.normal(step.tokens() * shape.queryWidth()));
            cached = new float[queries.length][2][];
            for (int s = 0; s < queries.length; s++) {
                for (int part = 0; part < 2; part++) {
                    float[] values = randoms.normal(contexts[s] * shape.keyHeads() * shape.headDim());
                    cached[s][part] = TestDevice.rounded(shape.type(), values);
                }
            }
        }

        /** Takes a sequence of another case over. */
        void adopt(Case other, int from, int to) {
            cached[to] = other.cached[from];
            int width = shape.queryWidth();
            System.arraycopy(other.q, other.step.cuQ[from] * width, q, step.cuQ[to] * width, step.queries[to] * width);
        }

        /** Takes a part of another case's only sequence over. */
        void adoptChunk(Case other, int start, int end) {
            int width = shape.queryWidth();
            System.arraycopy(other.q, start * width, q, 0, (end - start) * width);
            int keyWidth = shape.keyHeads() * shape.headDim();
            for (int part = 0; part < 2; part++) {
                cached[0][part] = Arrays.copyOf(other.cached[0][part], end * keyWidth);
            }
        }

        float[] run() {
            RopeTable rope = RopeTable.text(test.device(), test.stream(), 10_000, shape.headDim(), null);
            step.prepare(test, shape, rope, test.ints(new int[step.queries.length]));
            int width = shape.queryWidth();
            DeviceBuffer out = test.poisoned(shape.type(), (long) step.tokens() * width);
            DeviceBuffer cache = test.values(shape.type(), cache());
            new PagedAttention(test.device(), shape)
                    .launch(test.stream(), test.values(shape.type(), q), cache, step.inputs, step.derived, width, out);
            return test.read(shape.type(), out);
        }

        private float[] cache() {
            float[] cache = new float
                    [Math.toIntExact(
                            step.numBlocks * shape.blockBytes() / shape.type().bytes())];
            Arrays.fill(cache, Float.NaN);
            for (int s = 0; s < cached.length; s++) {
                for (int token = 0; token < step.contexts[s]; token++) {
                    for (int head = 0; head < shape.keyHeads(); head++) {
                        for (int part = 0; part < 2; part++) {
                            System.arraycopy(
                                    cached[s][part],
                                    (token * shape.keyHeads() + head) * shape.headDim(),
                                    cache,
                                    PagedStep.cacheOffset(shape, step.slot(s, token), part, head),
                                    shape.headDim());
                        }
                    }
                }
            }
            return cache;
        }

        double[] expected() {
            double[] out = new double[q.length];
            for (int s = 0; s < cached.length; s++) {
                for (int i = 0; i < step.queries[s]; i++) {
                    for (int head = 0; head < shape.queryHeads(); head++) {
                        attend(s, head, step.index(s, i) + 1, (step.cuQ[s] + i) * shape.queryWidth(), out);
                    }
                }
            }
            return out;
        }

        private void attend(int s, int head, int visible, int token, double[] out) {
            int size = shape.headDim();
            int at = token + head * size;
            int keyWidth = shape.keyHeads() * size;
            int key = head / shape.group() * size;
            double[] weights = new double[visible];
            double most = Double.NEGATIVE_INFINITY;
            for (int t = 0; t < visible; t++) {
                for (int d = 0; d < size; d++) {
                    weights[t] += (double) q[at + d] * cached[s][0][t * keyWidth + key + d] / Math.sqrt(size);
                }
                most = Math.max(most, weights[t]);
            }
            double sum = 0;
            for (int t = 0; t < visible; t++) {
                weights[t] = Math.exp(weights[t] - most);
                sum += weights[t];
            }
            for (int t = 0; t < visible; t++) {
                for (int d = 0; d < size; d++) {
                    out[at + d] += weights[t] / sum * cached[s][1][t * keyWidth + key + d];
                }
            }
        }
    }
}

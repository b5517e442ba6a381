package dev.millrace.gpu.kernel;

import static dev.millrace.gpu.Agreement.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Decode attention against double arithmetic over the same stored values. A result is an average of values of order one;
 * weights and result are rounded to bf16, 2^-9 each, and the former's errors add up to 2^-9 of the average magnitude at
 * most. All slots that belong to no token are NaN.
 */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DecodeAttentionTest {

    private static final int BLOCK = 16;
    private static final int HEAD = 128;
    private static final int[] NONE = {};

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
    @CsvSource({"28, 4", "16, 2", "12, 2", "8, 2", "2, 1", "3, 3"})
    void eachHeadAttendsToItsContext(int queryHeads, int keyHeads) {
        CacheShape shape = new CacheShape(Type.BF16, queryHeads, keyHeads, HEAD);
        int[] contexts = {1, 15, 16, 17, 64, 65, 128, 129, 300, 1024, 1025};
        Case c = new Case(shape, queryHeads, ones(contexts.length), contexts);
        c.check(c.run(0));
    }

    @Test
    void moreItemsThanBlocksAreTakenInTurn() {
        int[] ofMany = IntStream.range(0, 110).map(i -> 1 + 37 * i % 300).toArray();
        Case many = new Case(new CacheShape(Type.BF16, 8, 4, HEAD), 6, ones(110), ofMany);
        many.check(many.run(0));
        int[] ofFew = IntStream.range(0, 36).map(i -> 1025 + i % 3).toArray(); // two splits each
        Case few = new Case(new CacheShape(Type.BF16, 8, 2, HEAD), 7, ones(36), ofFew);
        few.check(few.run(0));
    }

    @Test
    void contextsBeyondTheMostSplitsAreCutIntoLongerOnes() {
        CacheShape shape = new CacheShape(Type.BF16, 7, 1, HEAD);
        Case c = new Case(shape, 5, ones(2), new int[] {2048, 33_500});
        c.check(c.run(0));
    }

    @ParameterizedTest
    @CsvSource({"2, 1", "8, 2", "16, 2", "7, 1"})
    void draftsSeeWhatIsBeforeThemAndLongerPiecesAreLeftAlone(int queryHeads, int keyHeads) {
        CacheShape shape = new CacheShape(Type.BF16, queryHeads, keyHeads, HEAD);
        int most = DecodeAttention.MOST_QUERIES / shape.group();
        int[] queries = {most, most + 1, 1, most, most, 40, most};
        Case c = new Case(shape, 9, queries, new int[] {most, 200, 30, 257, 258, 40, 600});
        c.check(c.run(0));
    }

    @Test
    void neitherTheBatchNorTheGridNorARepetitionChangesABit() {
        CacheShape shape = new CacheShape(Type.BF16, 14, 2, HEAD);
        Case alone = new Case(shape, 2, new int[] {1}, new int[] {1300});
        float[] expected = alone.run(0);
        int[] contexts =
                IntStream.range(0, 40).map(i -> i == 23 ? 1300 : 1 + 13 * i).toArray();
        Case among = new Case(shape, 3, ones(40), contexts);
        among.adopt(alone, 23);
        int width = shape.queryWidth();
        assertThat(Arrays.copyOfRange(among.run(0), 23 * width, 24 * width)).isEqualTo(expected);
        // enough of them for the kernel that takes many
        int[] many =
                IntStream.range(0, 80).map(i -> i == 71 ? 1300 : 1 + 5 * i % 90).toArray();
        Case crowd = new Case(shape, 4, ones(80), many);
        crowd.adopt(alone, 71);
        assertThat(Arrays.copyOfRange(crowd.run(0), 71 * width, 72 * width)).isEqualTo(expected);
        // sequences without meaning behind the step's, as a captured graph has them
        assertThat(Arrays.copyOf(alone.run(5), width)).isEqualTo(expected);
    }

    @Test
    void otherHeadsAreRefused() {
        assertThat(DecodeAttention.supports(new CacheShape(Type.BF16, 9, 1, HEAD)))
                .isFalse();
        assertThat(DecodeAttention.supports(new CacheShape(Type.F32, 8, 1, HEAD)))
                .isFalse();
        CacheShape narrow = new CacheShape(Type.BF16, 8, 1, 64);
        assertThatThrownBy(() -> new DecodeAttention(test.device(), narrow, 1)).hasMessageContaining("64");
    }

    private static int[] ones(int count) {
        int[] ones = new int[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    /** Queries, keys and values of a step whose sequences' blocks lie in disorder. */
    private final class Case {
        private final CacheShape shape;
        private final int[] queries;
        private final int[] contexts;
        private final int[] cuQ;
        private final int[][] blocks;
        private final int numBlocks;
        private final float[] q;
        private final float[][][] cached; // [sequence][part][token · keyHeads · 128]

        Case(CacheShape shape, long seed, int[] queries, int[] contexts) {
            this.shape = shape;
            this.queries = queries;
            this.contexts = contexts;
            Randoms randoms = new Randoms(seed);
            int count = queries.length;
            cuQ = new int[count + 1];
            blocks = new int[count][];
            cached = new float[count][2][];
            int[] order =
                    randoms.permutation(IntStream.of(contexts).map(Case::blocks).sum());
            int next = 0;
            for (int s = 0; s < count; s++) {
                cuQ[s + 1] = cuQ[s] + queries[s];
                blocks[s] = new int[blocks(contexts[s])];
                for (int i = 0; i < blocks[s].length; i++) {
                    blocks[s][i] = 1 + order[next++];
                }
                for (int part = 0; part < 2; part++) {
                    float[] values = randoms.normal(contexts[s] * shape.keyHeads() * HEAD);
                    cached[s][part] = TestDevice.rounded(Type.BF16, values);
                }
            }
            numBlocks = 1 + next;
            q = TestDevice.rounded(Type.BF16, randoms.normal(cuQ[count] * shape.queryWidth()));
        }

        private static int blocks(int context) {
            return (context + BLOCK - 1) / BLOCK;
        }

        /** Takes the only sequence of another case over. */
        void adopt(Case other, int to) {
            cached[to] = other.cached[0];
            System.arraycopy(other.q, 0, q, cuQ[to] * shape.queryWidth(), other.q.length);
        }

        /** @param fill sequences without meaning that are added */
        float[] run(int fill) {
            StepInputs inputs = inputs(fill);
            int width = shape.queryWidth();
            int tokens = inputs.tokens();
            DeviceBuffer out = test.poisoned(Type.BF16, (long) tokens * width);
            DecodeAttention attention = new DecodeAttention(test.device(), shape, inputs.sequences());
            attention.plan(test.stream(), inputs);
            DeviceBuffer all = test.values(Type.BF16, Arrays.copyOf(q, tokens * width));
            DeviceBuffer cache = test.values(Type.BF16, cache());
            attention.launch(test.stream(), all, cache, inputs, width, out);
            float[] first = test.read(Type.BF16, out);
            test.stream().fill(out, 0xff);
            attention.launch(test.stream(), all, cache, inputs, width, out);
            assertThat(test.read(Type.BF16, out)).as("a repetition").isEqualTo(first);
            return Arrays.copyOf(first, q.length);
        }

        private StepInputs inputs(int fill) {
            int count = queries.length;
            int[] rows = new Randoms(1).permutation(count);
            int[] updates = IntStream.range(0, count)
                    .boxed()
                    .flatMapToInt(s ->
                            IntStream.range(0, blocks[s].length).flatMap(i -> IntStream.of(rows[s], i, blocks[s][i])))
                    .toArray();
            int tokens = cuQ[count];
            ForwardBatch batch = new ForwardBatch(
                    0,
                    new int[tokens],
                    new int[tokens],
                    new int[3 * tokens],
                    cuQ,
                    contexts,
                    rows,
                    NONE,
                    NONE,
                    NONE,
                    NONE,
                    NONE,
                    updates,
                    NONE,
                    List.of(),
                    false);
            int longest = IntStream.of(contexts).map(Case::blocks).max().orElseThrow();
            StepLimits limits = new StepLimits(tokens + fill, count + fill, longest, numBlocks, 0, 1);
            StepInputs inputs = new StepInputs(test.device(), limits, 1);
            inputs.stage(test.stream(), batch, fill, 0);
            new Prepare(test.device(), shape, null).updateTables(test.stream(), inputs);
            return inputs;
        }

        private float[] cache() {
            float[] cache = new float[Math.toIntExact(numBlocks * shape.blockBytes() / Type.BF16.bytes())];
            Arrays.fill(cache, Float.NaN);
            for (int s = 0; s < cached.length; s++) {
                for (int at = 0; at < contexts[s] * shape.keyHeads(); at++) {
                    int token = at / shape.keyHeads();
                    for (int part = 0; part < 2; part++) {
                        int head = (blocks[s][token / BLOCK] * 2 + part) * shape.keyHeads() + at % shape.keyHeads();
                        System.arraycopy(
                                cached[s][part], at * HEAD, cache, (head * BLOCK + token % BLOCK) * HEAD, HEAD);
                    }
                }
            }
            return cache;
        }

        void check(float[] actual) {
            int width = shape.queryWidth();
            for (int s = 0; s < queries.length; s++) {
                for (int i = 0; i < queries[s]; i++) {
                    int from = (cuQ[s] + i) * width;
                    float[] token = Arrays.copyOfRange(actual, from, from + width);
                    if (DecodeAttention.takes(shape, queries[s])) {
                        String what = "context %d, token %d".formatted(contexts[s], i);
                        assertClose(what, token, expected(s, i), 0x1p-9, 0x1p-8);
                    } else {
                        assertThat(token).containsOnly(Float.NaN);
                    }
                }
            }
        }

        private double[] expected(int s, int i) {
            double[] out = new double[shape.queryWidth()];
            int visible = contexts[s] - queries[s] + i + 1;
            int keyWidth = shape.keyHeads() * HEAD;
            for (int head = 0; head < shape.queryHeads(); head++) {
                int at = (cuQ[s] + i) * shape.queryWidth() + head * HEAD;
                int key = head / shape.group() * HEAD;
                double[] weights = new double[visible];
                double sum = 0;
                for (int t = 0; t < visible; t++) {
                    double score = 0;
                    for (int d = 0; d < HEAD; d++) {
                        score += (double) q[at + d] * cached[s][0][t * keyWidth + key + d];
                    }
                    weights[t] = Math.exp(score / Math.sqrt(HEAD));
                    sum += weights[t];
                }
                for (int t = 0; t < visible; t++) {
                    for (int d = 0; d < HEAD; d++) {
                        out[head * HEAD + d] += weights[t] / sum * cached[s][1][t * keyWidth + key + d];
                    }
                }
            }
            return out;
        }
    }
}

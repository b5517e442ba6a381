package dev.millrace.gpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.Graph;
import dev.millrace.gpu.device.Type;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Paged attention on tensor cores against double arithmetic over the same stored values. Weights are rounded to bf16 before
 * they meet the values (2^-8 of each term) and the result when it is stored (2^-8 of it).
 */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PrefillAttentionTest {

    private static final double SCALE = Double.parseDouble(System.getProperty("millrace.test.scale", "1"));
    private static final double ROUNDING = 0x1p-8;

    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    private static PagedCase.Kernel of(PrefillAttention attention) {
        return (stream, q, cache, inputs, derived, outStride, out) ->
                attention.launch(stream, q, cache, inputs, 0, outStride, out);
    }

    private void check(PagedCase.Kernel kernel, PagedCase c) {
        float[] actual = c.run(kernel);
        PagedCase.Expected expected = c.expected();
        for (int i = 0; i < actual.length; i++) {
            double allowed = ROUNDING * (Math.abs(expected.values()[i]) + expected.sizes()[i]) + 1e-6;
            if (!(Math.abs(actual[i] - expected.values()[i]) <= allowed)) {
                throw new AssertionError("value %d is %s, expected is %s within %s"
                        .formatted(i, actual[i], expected.values()[i], allowed));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"7, 1, 128", "16, 2, 128", "14, 2, 64", "5, 5, 64"})
    void eachQueryAttendsToItsContext(int queryHeads, int keyHeads, int headDim) {
        CacheShape shape = new CacheShape(Type.BF16, queryHeads, keyHeads, headDim);
        PagedCase.Kernel kernel = of(new PrefillAttention(test.device(), shape, 1000, 8));
        int longest = Math.max(130, (int) (4096 * SCALE));
        check(kernel, new PagedCase(test, shape, 1, new int[] {1}, new int[] {1}));
        check(kernel, new PagedCase(test, shape, 2, new int[] {1, 5, 33, 20, 64}, new int[] {longest, 5, 90, 64, 64}));
    }

    @Test
    void devicesWithLittleSharedMemoryTakeNarrowerTiles() {
        CacheShape shape = new CacheShape(Type.BF16, 7, 1, 128);
        PagedCase.Kernel kernel = of(PrefillAttention.narrow(test.device(), shape, 1000, 8));
        check(kernel, new PagedCase(test, shape, 3, new int[] {1, 40, 31}, new int[] {100, 40, 64}));
    }

    @Test
    void aLongContextOfFewQueriesIsCutInPieces() {
        CacheShape shape = new CacheShape(Type.BF16, 3, 1, 64);
        PagedCase.Kernel kernel = of(new PrefillAttention(test.device(), shape, 1000, 8));
        PagedCase alone = new PagedCase(test, shape, 8, new int[] {45}, new int[] {4133});
        check(kernel, alone);
        PagedCase among = new PagedCase(test, shape, 9, new int[] {70, 45, 2, 5}, new int[] {300, 4133, 4096, 4095});
        among.adopt(alone, 0, 1);
        assertThat(among.of(1, among.run(kernel))).isEqualTo(alone.run(kernel));
        check(kernel, among);
    }

    @ParameterizedTest
    @CsvSource({"7, 1, 128", "8, 1, 64"})
    void neitherTheBatchNorTheCutIntoChunksChangesABit(int queryHeads, int keyHeads, int headDim) {
        CacheShape shape = new CacheShape(Type.BF16, queryHeads, keyHeads, headDim);
        PagedCase.Kernel kernel = of(new PrefillAttention(test.device(), shape, 1000, 8));
        PagedCase whole = new PagedCase(test, shape, 4, new int[] {150}, new int[] {150});
        float[] expected = whole.run(kernel);
        PagedCase among = new PagedCase(test, shape, 5, new int[] {3, 150, 40}, new int[] {100, 150, 40});
        among.adopt(whole, 0, 1);
        assertThat(among.of(1, among.run(kernel))).isEqualTo(expected);
        int width = shape.queryWidth();
        for (int[] chunk : new int[][] {{0, 1}, {0, 20}, {20, 64}, {64, 129}, {149, 150}}) {
            PagedCase part = new PagedCase(test, shape, 6, new int[] {chunk[1] - chunk[0]}, new int[] {chunk[1]});
            part.adoptChunk(whole, chunk[0], chunk[1]);
            assertThat(part.run(kernel)).isEqualTo(Arrays.copyOfRange(expected, chunk[0] * width, chunk[1] * width));
        }
    }

    @Test
    void aGraphOfSingleTokensServesLongContextsToo() {
        CacheShape shape = new CacheShape(Type.BF16, 2, 1, 64);
        PrefillAttention attention = new PrefillAttention(test.device(), shape, 1, 1);
        PagedCase c = new PagedCase(test, shape, 11, new int[] {1}, new int[] {4200});
        int[] one = {0};
        int[] none = {};
        ForwardBatch captured = new ForwardBatch(
                0,
                one,
                new int[] {-1},
                new int[3],
                new int[] {0, 1},
                new int[] {1},
                one,
                none,
                none,
                none,
                none,
                none,
                none,
                none,
                List.of(),
                false);
        check(
                (stream, q, cache, inputs, derived, outStride, out) -> {
                    stream.synchronize();
                    inputs.stage(stream, captured, 0, 0);
                    Graph graph = stream.capture(() -> attention.launch(stream, q, cache, inputs, 0, outStride, out));
                    stream.synchronize();
                    inputs.stage(stream, c.step.batch, 0, 0);
                    stream.launch(graph);
                    stream.synchronize();
                    graph.close();
                },
                c);
    }

    @Test
    void shortPiecesAreLeftToOthers() {
        CacheShape shape = new CacheShape(Type.BF16, 4, 1, 64);
        PrefillAttention attention = new PrefillAttention(test.device(), shape, 1000, 8);
        PagedCase c = new PagedCase(test, shape, 7, new int[] {2, 3, 1, 40}, new int[] {2, 90, 70, 40});
        float[] all = c.run(of(attention));
        float[] some = c.run((stream, q, cache, inputs, derived, outStride, out) ->
                attention.launch(stream, q, cache, inputs, 8, outStride, out));
        for (int s = 0; s < 4; s++) {
            if (s == 0 || s == 2) {
                assertThat(c.of(s, some)).containsOnly(Float.NaN);
            } else {
                assertThat(c.of(s, some)).isEqualTo(c.of(s, all));
            }
        }
    }

    @Test
    void shapesWithoutAKernelAreRefused() {
        CacheShape shape = new CacheShape(Type.BF16, 4, 2, 80);
        assertThat(PrefillAttention.serves(shape)).isFalse();
        assertThatThrownBy(() -> new PrefillAttention(test.device(), shape, 1000, 8))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("80");
    }
}

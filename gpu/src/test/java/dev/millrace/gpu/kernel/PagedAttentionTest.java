package dev.millrace.gpu.kernel;

import static dev.millrace.gpu.Agreement.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.TestDevice;
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

    private PagedCase.Kernel of(CacheShape shape) {
        return new PagedAttention(test.device(), shape)::launch;
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
        PagedCase c =
                new PagedCase(test, shape, 1, new int[] {1, 1, 5, 33, 1, 17}, new int[] {1, longest, 5, 40, 33, 160});
        assertClose(
                "attended",
                c.run(of(shape)),
                c.expected().values(),
                type == Type.F32 ? 2e-6 : 1e-4,
                type == Type.F32 ? 1e-5 : 0x1p-8);
    }

    @Test
    void neitherTheBatchNorTheCutIntoChunksChangesABit() {
        CacheShape shape = new CacheShape(Type.F32, 6, 2, 48);
        PagedCase.Kernel kernel = of(shape);
        PagedCase whole = new PagedCase(test, shape, 2, new int[] {75}, new int[] {75});
        float[] expected = whole.run(kernel);
        PagedCase among = new PagedCase(test, shape, 3, new int[] {3, 75, 40}, new int[] {100, 75, 40});
        among.adopt(whole, 0, 1);
        assertThat(among.of(1, among.run(kernel))).isEqualTo(expected);
        int width = shape.queryWidth();
        for (int[] chunk : new int[][] {{0, 1}, {0, 20}, {20, 53}, {53, 75}, {74, 75}}) {
            PagedCase part = new PagedCase(test, shape, 4, new int[] {chunk[1] - chunk[0]}, new int[] {chunk[1]});
            part.adoptChunk(whole, chunk[0], chunk[1]);
            assertThat(part.run(kernel)).isEqualTo(Arrays.copyOfRange(expected, chunk[0] * width, chunk[1] * width));
        }
    }

    @Test
    void largerHeadsThanThereIsRoomForAreRefused() {
        assertThatThrownBy(() -> new CacheShape(Type.BF16, 4, 2, 130))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("130")
                .hasMessageContaining("128");
    }
}

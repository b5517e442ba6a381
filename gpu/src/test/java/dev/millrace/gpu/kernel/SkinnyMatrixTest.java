package dev.millrace.gpu.kernel;

import static dev.millrace.gpu.Agreement.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.kernel.SkinnyMatrix.Epilogue;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Products against double arithmetic over the same bf16 values: sums of {@code in} products of order one in single
 * precision err by some 2^-24 of their magnitudes' sum; results stored in bf16 by 2^-9 of themselves.
 */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SkinnyMatrixTest {

    private TestDevice test;
    private SkinnyMatrix skinny;

    @BeforeAll
    void open() {
        test = new TestDevice();
        skinny = new SkinnyMatrix(test.device());
    }

    @AfterAll
    void close() {
        test.close();
    }

    @ParameterizedTest
    @CsvSource({
        "STORE, 96, 64, 1",
        "STORE, 100, 192, 8",
        "STORE, 33, 3584, 5",
        "STORE, 9001, 576, 2",
        "FLOAT, 1001, 256, 1",
        "FLOAT, 64, 4096, 16",
        "FLOAT, 2000, 64, 9",
        "ADD, 48, 2048, 2",
        "ADD, 300, 320, 13",
        "ADD, 32, 18944, 1",
        "SILU, 128, 64, 1",
        "SILU, 64, 3584, 8",
        "SILU, 48, 1024, 12",
        "SILU, 17408, 64, 16",
    })
    void productsAgree(Epilogue epilogue, int out, int in, int tokens) {
        Randoms randoms = new Randoms(out + in + tokens);
        int xStride = in + 8;
        int columns = epilogue == Epilogue.SILU ? out / 2 : out;
        int yStride = columns + 3;
        float[] w = TestDevice.rounded(Type.BF16, randoms.normal(out * in));
        float[] x = TestDevice.rounded(Type.BF16, randoms.normal(tokens * xStride));
        Type type = epilogue == Epilogue.FLOAT ? Type.F32 : Type.BF16;
        DeviceBuffer matrix = test.values(Type.BF16, w);
        DeviceBuffer inputs = test.values(Type.BF16, x);
        float[] first = TestDevice.rounded(Type.BF16, randoms.normal(tokens * yStride));
        if (epilogue != Epilogue.ADD) {
            Arrays.fill(first, Float.NaN);
        }
        float[] last = null;
        for (int repetition = 0; repetition < 2; repetition++) {
            DeviceBuffer y = test.poisoned(type, (long) tokens * yStride);
            if (epilogue == Epilogue.ADD) {
                test.stream().copy(y, 0, test.values(type, first), 0, (long) first.length * type.bytes());
            }
            skinny.launch(test.stream(), epilogue, matrix, out, in, inputs, tokens, xStride, y, yStride);
            float[] actual = test.read(type, y);
            if (last != null) {
                assertThat(actual).as("a repetition").isEqualTo(last);
            }
            last = actual;
        }
        for (int token = 0; token < tokens; token++) {
            double[] expected = product(w, out, in, x, token * xStride);
            for (int i = 0; i < columns; i++) {
                double value = expected[i];
                if (epilogue == Epilogue.ADD) {
                    value += first[token * yStride + i];
                } else if (epilogue == Epilogue.SILU) {
                    value = value / (1 + Math.exp(-value)) * expected[columns + i];
                }
                float[] one = {last[token * yStride + i]};
                String what = "token %d, row %d".formatted(token, i);
                double sum = epilogue == Epilogue.SILU ? Math.abs(value) + 8 : 8;
                assertClose(what, one, new double[] {value}, 0x1p-22 * in * sum / 8, type == Type.F32 ? 0 : 0x1p-8);
            }
            float[] behind = Arrays.copyOfRange(last, token * yStride + columns, (token + 1) * yStride);
            assertThat(behind).isEqualTo(Arrays.copyOfRange(first, token * yStride + columns, (token + 1) * yStride));
        }
    }

    private static double[] product(float[] w, int out, int in, float[] x, int from) {
        double[] y = new double[out];
        for (int row = 0; row < out; row++) {
            for (int i = 0; i < in; i++) {
                y[row] += (double) w[row * in + i] * x[from + i];
            }
        }
        return y;
    }

    @ParameterizedTest
    @CsvSource({"28, 4, 128, 3584, 1", "4, 2, 32, 64, 16", "7, 1, 128, 192, 8", "3, 3, 64, 128, 11"})
    void headsAreTurnedAndCached(int queryHeads, int keyHeads, int headDim, int in, int tokens) {
        CacheShape shape = new CacheShape(Type.BF16, queryHeads, keyHeads, headDim);
        Randoms randoms = new Randoms(headDim + tokens);
        int half = headDim / 2;
        int width = shape.qkvWidth();
        float[] w = TestDevice.rounded(Type.BF16, randoms.normal(width * in));
        float[] x = TestDevice.rounded(Type.BF16, randoms.normal(tokens * in));
        float[] bias = randoms.normal(width);
        float[] cosines = randoms.normal(tokens * half);
        float[] sines = randoms.normal(tokens * half);
        int[] slots = randoms.permutation(3 * 16);
        int[] words = new int[2 * tokens]; // int64
        for (int t = 0; t < tokens; t++) {
            words[2 * t] = slots[t];
        }
        Derived derived = new Derived(null, test.ints(words), null, test.floats(cosines), test.floats(sines), null);
        DeviceBuffer q = test.poisoned(Type.BF16, (long) tokens * shape.queryWidth());
        DeviceBuffer cache = test.poisoned(Type.BF16, 3 * shape.blockBytes() / 2);
        skinny.launchHeads(
                test.stream(),
                shape,
                test.values(Type.BF16, w),
                in,
                test.values(Type.BF16, x),
                tokens,
                in,
                test.floats(bias),
                derived,
                q,
                cache);
        float[] queries = test.read(Type.BF16, q);
        float[] cached = test.read(Type.BF16, cache);
        int filled = 0;
        for (int t = 0; t < tokens; t++) {
            double[] y = product(w, width, in, x, t * in);
            for (int i = 0; i < width; i++) {
                int head = i / headDim;
                int d = i % headDim;
                double value = y[i] + bias[i];
                if (head < queryHeads + keyHeads) {
                    int partner = head * headDim + (d + half) % headDim;
                    double other = (y[partner] + bias[partner]) * sines[t * half + d % half];
                    value = value * cosines[t * half + d % half] + (d < half ? -other : other);
                }
                int part = head < queryHeads + keyHeads ? 0 : 1;
                int at = PagedStep.cacheOffset(shape, slots[t], part, Math.max(0, head - queryHeads) % keyHeads) + d;
                float actual = head < queryHeads ? queries[t * shape.queryWidth() + i] : cached[at];
                assertClose(
                        "token %d, head %d, %d".formatted(t, head, d),
                        new float[] {actual},
                        new double[] {value},
                        0x1p-22 * in * 4,
                        0x1p-8);
                filled += head < queryHeads ? 0 : 1;
            }
        }
        int nan = 0;
        for (float value : cached) {
            nan += Float.isNaN(value) ? 1 : 0;
        }
        assertThat(cached.length - nan).as("only the tokens' slots are written").isEqualTo(filled);
    }

    @Test
    void moreTokensOrOddWidthsAreRefused() {
        DeviceBuffer none = test.values(Type.BF16, 0);
        assertThatThrownBy(() -> skinny.launch(test.stream(), Epilogue.STORE, none, 32, 64, none, 17, 64, none, 32))
                .hasMessageContaining("17 tokens");
        assertThatThrownBy(() -> skinny.launch(test.stream(), Epilogue.STORE, none, 32, 70, none, 1, 72, none, 32))
                .hasMessageContaining("70 values");
        assertThatThrownBy(() -> skinny.launch(test.stream(), Epilogue.STORE, none, 32, 64, none, 1, 64, none, 32))
                .hasMessageContaining("a matrix");
    }
}

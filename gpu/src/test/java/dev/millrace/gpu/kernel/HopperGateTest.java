package dev.millrace.gpu.kernel;

import static dev.millrace.gpu.Agreement.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Gates against double arithmetic over the same bf16 values: sums of {@code in} products of order one in single precision
 * err by some 2^-24 of their magnitudes' sum; results stored in bf16 by 2^-9 of themselves.
 */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HopperGateTest {

    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    /** A part of a tile, whole ones, more than blocks; chunks fewer and more than stages; parts of 16 tokens. */
    @ParameterizedTest
    @CsvSource({
        "8, 64, 64",
        "72, 128, 17",
        "80, 3584, 9",
        "304, 1024, 48",
        "584, 640, 33",
        "9600, 64, 20",
        "19016, 64, 18",
        "9504, 128, 1",
    })
    void gatesAgree(int width, int in, int tokens) {
        if (!HopperGate.isFor(test.device(), Type.BF16)) {
            assertThatThrownBy(() -> new HopperGate(test.device())).hasMessageContaining("compute capability 9.0");
            return;
        }
        HopperGate gate = new HopperGate(test.device());
        Randoms randoms = new Randoms(width + in + tokens);
        int xStride = in + 8;
        float[] w = TestDevice.rounded(Type.BF16, randoms.normal(2 * width * in));
        float[] x = TestDevice.rounded(Type.BF16, randoms.normal(tokens * xStride));
        DeviceBuffer weights = test.values(Type.BF16, w);
        DeviceBuffer inputs = test.values(Type.BF16, x);
        DeviceBuffer f = test.poisoned(Type.BF16, (tokens + 1L) * width);
        gate.launch(test.stream(), weights, width, in, inputs, tokens, xStride, f);
        float[] actual = test.read(Type.BF16, f);
        for (int token = 0; token < tokens; token++) {
            for (int i = 0; i < width; i++) {
                double gated = product(w, i * in, x, token * xStride, in);
                double up = product(w, (width + i) * in, x, token * xStride, in);
                double value = gated / (1 + Math.exp(-gated)) * up;
                float[] one = {actual[token * width + i]};
                String what = "token %d, gate %d".formatted(token, i);
                assertClose(what, one, new double[] {value}, 0x1p-22 * in * (Math.abs(value) + 8) / 8, 0x1p-8);
            }
        }
        for (int i = tokens * width; i < actual.length; i++) {
            assertThat(actual[i]).as("behind the last token").isNaN();
        }
        gate.launch(test.stream(), weights, width, in, inputs, tokens, xStride, f);
        assertThat(test.read(Type.BF16, f)).as("a repetition").isEqualTo(actual);
    }

    private static double product(float[] w, int row, float[] x, int token, int in) {
        double sum = 0;
        for (int i = 0; i < in; i++) {
            sum += (double) w[row + i] * x[token + i];
        }
        return sum;
    }

    @ParameterizedTest
    @CsvSource({"65, 72, 64, 64", "9, 76, 64, 64", "9, 72, 72, 72", "9, 72, 64, 68"})
    void moreTokensOrOddWidthsAreRefused(int tokens, int width, int in, int xStride) {
        if (HopperGate.isFor(test.device(), Type.BF16)) {
            DeviceBuffer none = test.values(Type.BF16, 0);
            HopperGate gate = new HopperGate(test.device());
            assertThatThrownBy(() -> gate.launch(test.stream(), none, width, in, none, tokens, xStride, none))
                    .hasMessageContaining("%d gates of %d tokens, %d apart, of %d", width, tokens, xStride, in);
        }
        assertThat(HopperGate.isFor(tokens, width, in)).isEqualTo(xStride == 68);
    }

    @Test
    void fewTokensAreLeftToTheSkinnyKernel() {
        assertThat(HopperGate.isFor(8, 72, 64)).isFalse();
        assertThat(HopperGate.isFor(9, 72, 64)).isTrue();
        assertThat(HopperGate.isFor(64, 72, 64)).isTrue();
    }
}

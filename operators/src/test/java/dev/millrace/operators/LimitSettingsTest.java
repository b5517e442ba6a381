package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.Limits;
import org.junit.jupiter.api.Test;

/** The expected values are those that vLLM's server settles on. */
class LimitSettingsTest {

    private static final long GIB = 1L << 30;
    private static final DefaultLimits H200 = DefaultLimits.ofGpu(140 * GIB, "NVIDIA H200");
    private static final LimitSettings NOTHING = new LimitSettings(null, null, null);

    @Test
    void theDeviceSaysHowLargeStepsAre() {
        assertThat(NOTHING.settle(H200, 128_000, true)).isEqualTo(new Limits(8192, 1024, 128_000));
        assertThat(NOTHING.settle(DefaultLimits.ofGpu(24 * GIB, "NVIDIA L4"), 128_000, true))
                .isEqualTo(new Limits(2048, 256, 128_000));
        assertThat(NOTHING.settle(DefaultLimits.CPU, 128_000, true)).isEqualTo(new Limits(2048, 128, 128_000));
    }

    @Test
    void aGpuIsLargeFromSeventyGibibytesUnlessItIsAnA100() {
        assertThat(DefaultLimits.ofGpu(70 * GIB, "NVIDIA H100 80GB HBM3")).isEqualTo(H200);
        assertThat(DefaultLimits.ofGpu(70 * GIB - 1, "NVIDIA H100 PCIe")).isEqualTo(new DefaultLimits(2048, 256));
        assertThat(DefaultLimits.ofGpu(80 * GIB, "NVIDIA A100-SXM4-80GB")).isEqualTo(new DefaultLimits(2048, 256));
    }

    @Test
    void whatIsSaidHolds() {
        assertThat(new LimitSettings(1024, 8, 1024).settle(H200, 128_000, true)).isEqualTo(new Limits(1024, 8, 1024));
        assertThat(new LimitSettings(300, null, null).settle(H200, 4096, true)).isEqualTo(new Limits(300, 300, 4096));
        assertThat(new LimitSettings(null, 5, null).settle(H200, 4096, true)).isEqualTo(new Limits(8192, 5, 4096));
    }

    @Test
    void aStepHoldsNoMoreThanAllSequencesTogether() {
        assertThat(new LimitSettings(null, 3, 100).settle(H200, 4096, true)).isEqualTo(new Limits(300, 3, 100));
        assertThat(new LimitSettings(500, 3, 100).settle(H200, 4096, true)).isEqualTo(new Limits(500, 3, 100));
    }

    @Test
    void aStepHoldsAWholePromptThatMayNotBeCut() {
        assertThat(NOTHING.settle(H200, 32_768, false)).isEqualTo(new Limits(32_768, 1024, 32_768));
        assertThat(NOTHING.settle(H200, 1024, false)).isEqualTo(new Limits(8192, 1024, 1024));
        assertRefused(
                () -> new LimitSettings(100, null, null).settle(H200, 4096, false),
                "--max-num-batched-tokens is 100, but without chunked prefill at least --max-model-len, 4096");
    }

    @Test
    void whatDoesNotGoTogetherIsRefusedAsSoonAsItIsKnown() {
        assertRefused(
                () -> new LimitSettings(7, 8, null).check(true),
                "--max-num-batched-tokens is 7, but must be at least --max-num-seqs, 8");
        assertRefused(() -> new LimitSettings(7, null, 8).check(false), "at least --max-model-len, 8");
        new LimitSettings(7, null, 8).check(true);
        new LimitSettings(null, 9000, null).check(true);
        assertRefused(
                () -> new LimitSettings(null, 9000, null).settle(H200, 128_000, true),
                "--max-num-batched-tokens is 8192, but must be at least --max-num-seqs, 9000");
        assertRefused(() -> new LimitSettings(null, null, 1).check(true), "--max-model-len is 1; at least 2");
        assertRefused(
                () -> new LimitSettings(null, null, 4097).settle(H200, 4096, true),
                "--max-model-len is 4097, but the checkpoint has 4096 positions");
    }

    @Test
    void hugeNumbersDoNotOverflow() {
        assertThat(new LimitSettings(null, 8192, Integer.MAX_VALUE).settle(H200, Integer.MAX_VALUE, true))
                .isEqualTo(new Limits(8192, 8192, Integer.MAX_VALUE));
    }

    private static void assertRefused(Runnable refused, String message) {
        assertThatThrownBy(refused::run)
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message);
    }
}

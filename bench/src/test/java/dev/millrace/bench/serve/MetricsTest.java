package dev.millrace.bench.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.TextNode;
import java.util.List;
import org.junit.jupiter.api.Test;

class MetricsTest {

    private static final Outcome QUICK = answer(0, 0.1, 0.1, 0.2, 0.2); // 4 tokens in 0.6 s
    private static final Outcome SLOW = answer(0.5, 0.3, 0.4); // 2 tokens in 0.7 s
    private static final Outcome LONE = answer(1.2, 0.2); // one token
    private static final Outcome FAILED =
            Outcome.failed(new LoadRequest("x", TextNode.valueOf(""), List.of(), 9, 1, null), 0, 0, "HTTP 500: no");

    @Test
    void throughputCountsWhatWasAnswered() {
        Metrics metrics = Metrics.of(List.of(QUICK, FAILED, SLOW, LONE), 2, null);

        assertThat(metrics.answers()).containsExactly(QUICK, SLOW, LONE);
        assertThat(metrics.failed()).containsExactly(FAILED);
        assertThat(metrics.inputTokens()).isEqualTo(30);
        assertThat(metrics.outputTokens()).isEqualTo(7);
        assertThat(metrics.requestThroughput()).isEqualTo(1.5);
        assertThat(metrics.outputThroughput()).isEqualTo(3.5);
        assertThat(metrics.totalTokenThroughput()).isEqualTo(18.5);
        assertThat(metrics.requestGoodput()).isNull();
    }

    @Test
    void timePerOutputTokenLeavesTheFirstTokenOut() {
        assertThat(LatencyMetric.TPOT.of(List.of(QUICK, SLOW, LONE)))
                .containsExactly(new double[] {0.5 / 3, 0.4}, within(1e-12));
        assertThat(LatencyMetric.TTFT.of(List.of(QUICK, SLOW, LONE))).containsExactly(0.1, 0.3, 0.2);
        assertThat(LatencyMetric.ITL.of(List.of(QUICK, SLOW, LONE))).containsExactly(0.1, 0.2, 0.2, 0.4);
        assertThat(LatencyMetric.E2EL.of(List.of(QUICK, LONE))).containsExactly(new double[] {0.6, 0.2}, within(1e-12));
    }

    /** numpy: mean, median, std and percentile of [100, 300, 200, 600]. */
    @Test
    void statisticsAreNumpys() {
        Statistics statistics = Statistics.of(new double[] {0.1, 0.3, 0.2, 0.6}, new double[] {50, 99});

        assertThat(statistics.mean()).isCloseTo(300, within(1e-9));
        assertThat(statistics.median()).isCloseTo(250, within(1e-9));
        assertThat(statistics.std()).isCloseTo(187.0828693, within(1e-6));
        assertThat(statistics.percentiles()).containsExactly(new double[] {250, 591}, within(1e-9));
        assertThat(Statistics.of(new double[0], new double[] {99}).mean()).isZero();
    }

    @Test
    void anAnswerIsGoodWhenItKeepsEveryLimit() {
        List<Outcome> all = List.of(QUICK, SLOW, LONE);

        assertThat(Metrics.of(all, 2, Goodput.of(List.of("ttft:250"))).requestGoodput())
                .isEqualTo(1);
        assertThat(Goodput.of(List.of("ttft:250", "tpot:100")).count(all)).isEqualTo(1); // the lone token alone
        assertThat(Goodput.of(List.of("e2el:650.5")).count(all)).isEqualTo(2);
    }

    @Test
    void peaksAreOfSecondsAndOfMoments() {
        // chunks at 0.1 0.2 0.4 0.6 | 0.8 1.2 | 1.4; times 0 to 0.6, 0.5 to 1.2, 1.2 to 1.4
        Peaks peaks = Peaks.of(List.of(QUICK, SLOW, LONE));

        assertThat(peaks.outputTokens()).isEqualTo(5);
        assertThat(peaks.concurrentRequests()).isEqualTo(2);
        assertThat(Peaks.of(List.of(SLOW, LONE)).concurrentRequests()).isEqualTo(1);
        assertThat(Peaks.of(List.of())).isEqualTo(new Peaks(0, 0));
    }

    private static Outcome answer(double start, double ttft, double... pauses) {
        double latency = ttft;
        for (double pause : pauses) {
            latency += pause;
        }
        return new Outcome("", 10, 1 + pauses.length, start, 0, ttft, pauses, latency, null);
    }
}

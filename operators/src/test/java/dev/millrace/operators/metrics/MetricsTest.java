package dev.millrace.operators.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.operators.engine.EngineStats;
import dev.millrace.operators.engine.SpeculationStats;
import dev.millrace.operators.sequence.Timeline;
import dev.millrace.schemas.FinishReason;
import org.junit.jupiter.api.Test;

class MetricsTest {

    private static final EngineStats START = new EngineStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, SpeculationStats.NONE);
    private static final EngineStats LATER =
            new EngineStats(3, 7, 0.25, 400, 120, 2, 500, 125, 8, 4, 10, 520, SpeculationStats.NONE);

    private final RecordingMetricGroup group = new RecordingMetricGroup();

    @Test
    void theEnginesCountersHaveTheNamesOfVllm() {
        var metrics = new EngineMetrics(group, START);
        assertThat(group.count("generation_tokens")).isZero();
        metrics.update(LATER);
        assertThat(group.gauge("num_requests_running")).isEqualTo(3.0);
        assertThat(group.gauge("num_requests_waiting")).isEqualTo(7.0);
        assertThat(group.gauge("kv_cache_usage_perc")).isEqualTo(0.25);
        assertThat(group.count("prompt_tokens")).isEqualTo(400);
        assertThat(group.count("generation_tokens")).isEqualTo(120);
        assertThat(group.count("num_preemptions")).isEqualTo(2);
        assertThat(group.count("prefix_cache_queries")).isEqualTo(500);
        assertThat(group.count("prefix_cache_hits")).isEqualTo(125);
        assertThat(group.count("mm_cache_queries")).isEqualTo(8);
        assertThat(group.count("mm_cache_hits")).isEqualTo(4);
        assertThat(group.histogram("iteration_tokens_total").getStatistics().getMean())
                .isEqualTo(52);
    }

    @Test
    void durationsAreShownInSeconds() {
        var metrics = new RequestMetrics(group);
        metrics.firstToken(250_000_000);
        metrics.nextToken(1_500_000);
        var firstToken = group.histogram("time_to_first_token_seconds");
        assertThat(firstToken.getCount()).isEqualTo(1);
        assertThat(firstToken.getStatistics().getQuantile(0.5)).isEqualTo(0.25, within(1e-12));
        assertThat(firstToken.getStatistics().getMean()).isEqualTo(0.25, within(1e-12));
        assertThat(group.histogram("inter_token_latency_seconds")
                        .getStatistics()
                        .getQuantile(0.99))
                .isEqualTo(0.0015, within(1e-12));
    }

    @Test
    void theTimeOfAnAnswerIsSplitAsVllmSplitsIt() {
        var time = new Timeline();
        time.markAdded(1_000_000_000);
        time.markScheduled(1_100_000_000);
        time.markToken(1_400_000_000);
        time.markToken(2_400_000_000L);
        new RequestMetrics(group).phases(time);
        assertThat(mean("request_queue_time_seconds")).isEqualTo(0.1, within(1e-9));
        assertThat(mean("request_prefill_time_seconds")).isEqualTo(0.3, within(1e-9));
        assertThat(mean("request_decode_time_seconds")).isEqualTo(1, within(1e-9));
        assertThat(mean("request_inference_time_seconds")).isEqualTo(1.3, within(1e-9));
    }

    @Test
    void anAnswerWithoutATokenHasNoPhases() {
        var time = new Timeline();
        time.markAdded(1_000_000_000);
        time.markScheduled(1_100_000_000);
        new RequestMetrics(group).phases(time);
        assertThat(group.histogram("request_prefill_time_seconds").getCount()).isZero();
    }

    @Test
    void finishedRequestsAreCountedByReason() {
        var metrics = new RequestMetrics(group);
        metrics.finished(FinishReason.STOP, 1);
        metrics.finished(FinishReason.STOP, 1);
        metrics.finished(FinishReason.ERROR, 1);
        assertThat(group.count("finished_reason.stop.request_success")).isEqualTo(2);
        assertThat(group.count("finished_reason.error.request_success")).isEqualTo(1);
        assertThat(group.count("finished_reason.length.request_success")).isZero();
    }

    @Test
    void theLogLineIsThatOfVllmAndSilentWhileNothingHappens() {
        var line = new StatsLine(2, START);
        assertThat(line.next(START, 10)).isEmpty();
        assertThat(line.next(LATER, 10))
                .hasValue("Engine 002: Avg prompt throughput: 40.0 tokens/s, Avg generation throughput: 12.0 tokens/s,"
                        + " Running: 3 reqs, Waiting: 7 reqs, KV cache usage: 25.0%, Prefix cache hit rate: 25.0%,"
                        + " MM cache hit rate: 50.0%");
        EngineStats idle = new EngineStats(0, 0, 0, 400, 130, 2, 500, 125, 8, 4, 12, 530, SpeculationStats.NONE);
        assertThat(line.next(idle, 10).orElseThrow()).contains("generation throughput: 1.0 tokens/s");
        assertThat(line.next(idle, 10)).isEmpty();
    }

    @Test
    void draftsHaveTheNamesOfVllm() {
        var metrics = new EngineMetrics(group, speculating(new SpeculationStats(0, 0, 0, new long[3])));
        metrics.update(speculating(new SpeculationStats(10, 28, 16, new long[] {8, 6, 2})));
        assertThat(group.count("spec_decode_num_drafts")).isEqualTo(10);
        assertThat(group.count("spec_decode_num_draft_tokens")).isEqualTo(28);
        assertThat(group.count("spec_decode_num_accepted_tokens")).isEqualTo(16);
        assertThat(group.count("position.0.spec_decode_num_accepted_tokens_per_pos"))
                .isEqualTo(8);
        assertThat(group.count("position.2.spec_decode_num_accepted_tokens_per_pos"))
                .isEqualTo(2);
    }

    @Test
    void theLogLineOfDraftsIsThatOfVllmAndSilentWithoutAny() {
        var start = new SpeculationStats(10, 20, 10, new long[] {6, 4});
        var line = new SpeculationLine(start);
        assertThat(line.next(start, 10)).isEmpty();
        assertThat(line.next(new SpeculationStats(50, 98, 63, new long[] {36, 27}), 10))
                .hasValue("SpecDecoding metrics: Mean acceptance length: 2.33, Accepted throughput: 5.30 tokens/s,"
                        + " Drafted throughput: 7.80 tokens/s, Accepted: 53 tokens, Drafted: 78 tokens,"
                        + " Per-position acceptance rate: 0.750, 0.575, Avg Draft acceptance rate: 67.9%");
    }

    private static EngineStats speculating(SpeculationStats stats) {
        return new EngineStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, stats);
    }

    private double mean(String name) {
        return group.histogram(name).getStatistics().getMean();
    }
}

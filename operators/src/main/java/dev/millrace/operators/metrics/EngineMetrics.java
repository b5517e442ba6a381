package dev.millrace.operators.metrics;

import dev.millrace.operators.engine.EngineStats;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/**
 * The engine's counters and gauges under the names that vLLM gives them ({@code vllm/v1/metrics/loggers.py}). Updated on
 * the task's thread, read by reporters.
 */
public final class EngineMetrics {

    private static final int WINDOW = 1_000;

    private final Histogram iterationTokens = new DescriptiveStatisticsHistogram(WINDOW);

    private volatile EngineStats stats;

    /**
     * @param start the engine's counters before its first step
     */
    public EngineMetrics(MetricGroup group, EngineStats start) {
        stats = start;
        gauge(group, "num_requests_running", EngineStats::numRequestsRunning);
        gauge(group, "num_requests_waiting", EngineStats::numRequestsWaiting);
        gauge(group, "kv_cache_usage_perc", EngineStats::kvCacheUsage);
        start.counters()
                .keySet()
                .forEach(name -> count(group, name, now -> now.counters().get(name)));
        long[] accepted = start.speculation().numAcceptedTokensPerPos();
        for (int i = 0; i < accepted.length; i++) {
            int position = i;
            count(
                    group.addGroup("position", Integer.toString(position)),
                    "spec_decode_num_accepted_tokens_per_pos",
                    now -> now.speculation().numAcceptedTokensPerPos()[position]);
        }
        group.histogram("iteration_tokens_total", iterationTokens);
    }

    /** Takes the engine's counters after a step. */
    public void update(EngineStats now) {
        if (now.steps() > stats.steps()) {
            iterationTokens.update((now.stepTokens() - stats.stepTokens()) / (now.steps() - stats.steps()));
        }
        stats = now;
    }

    private void gauge(MetricGroup group, String name, ToDoubleFunction<EngineStats> value) {
        group.gauge(name, (Gauge<Double>) () -> value.applyAsDouble(stats));
    }

    private void count(MetricGroup group, String name, ToLongFunction<EngineStats> value) {
        group.counter(name, new StatsCounter(() -> value.applyAsLong(stats)));
    }

    /** A counter that someone else counts. */
    private record StatsCounter(LongSupplier value) implements Counter {

        @Override
        public long getCount() {
            return value.getAsLong();
        }

        @Override
        public void inc() {
            throw readOnly();
        }

        @Override
        public void inc(long n) {
            throw readOnly();
        }

        @Override
        public void dec() {
            throw readOnly();
        }

        @Override
        public void dec(long n) {
            throw readOnly();
        }

        private static IllegalStateException readOnly() {
            return new IllegalStateException("this counter shows what the engine counts");
        }
    }
}

package dev.millrace.gateway.http;

import dev.millrace.schemas.TokenEvent;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/**
 * How long answers take as their clients see it, by vLLM's names and bounds ({@code vllm/v1/metrics/loggers.py}), measured where
 * events arrive here. Belongs to the event loop.
 */
final class AnswerMetrics {

    private static final List<Double> FIRST = List.of(
            0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0,
            80.0, 160.0, 640.0, 2560.0);
    private static final List<Double> NEXT = List.of(
            0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0);
    private static final List<Double> ALL = List.of(
            0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0,
            960.0, 1920.0, 7680.0);

    private final LongSupplier nanoTime;
    private final Histogram timeToFirstToken = new Histogram(FIRST);
    private final Histogram interTokenLatency = new Histogram(NEXT);
    private final Histogram requestLatency = new Histogram(ALL);
    private final Map<String, Long> finished = new TreeMap<>();

    /** @param nanoTime a clock that only goes on */
    AnswerMetrics(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Begins to watch a call, which has come just now. */
    Watch watch() {
        return new Watch(nanoTime.getAsLong());
    }

    void write(MetricsText text, String model) {
        String labels = MetricsText.label("model_name", model);
        write(text, "time_to_first_token_seconds", "Time to first token in seconds.", timeToFirstToken, labels);
        write(text, "inter_token_latency_seconds", "Inter-token latency in seconds.", interTokenLatency, labels);
        write(text, "e2e_request_latency_seconds", "End-to-end request latency in seconds.", requestLatency, labels);
        text.head("vllm:request_success_total", "counter", "Answers that ended, by the reason.");
        finished.forEach((reason, count) -> text.line(
                "vllm:request_success_total", labels + "," + MetricsText.label("finished_reason", reason), count));
    }

    private static void write(MetricsText text, String name, String help, Histogram histogram, String labels) {
        text.head("vllm:" + name, "histogram", help);
        histogram.write(text, "vllm:" + name, labels);
    }

    /** One call. */
    final class Watch {

        private final long begun;
        private final Map<Integer, Map<Integer, Long>> latest = new HashMap<>();

        private Watch(long begun) {
            this.begun = begun;
        }

        /** Tokens or the end of an answer came. */
        void heard(int prompt, TokenEvent event) {
            if (!event.getTokenIds().isEmpty()) {
                tokens(latest.computeIfAbsent(prompt, first -> new HashMap<>()), event.getChoice());
            }
            if (event.getFinishReason() != null) {
                String reason = event.getFinishReason().name().toLowerCase(Locale.ROOT);
                finished.merge(reason, 1L, Long::sum);
            }
        }

        private void tokens(Map<Integer, Long> choices, int choice) {
            long now = nanoTime.getAsLong();
            Long before = choices.put(choice, now);
            if (before != null) {
                interTokenLatency.add((now - before) / 1e9);
            } else if (choices.size() == 1) {
                timeToFirstToken.add((now - begun) / 1e9);
            }
        }

        /** All answers to a prompt have ended. */
        void ended() {
            requestLatency.add((nanoTime.getAsLong() - begun) / 1e9);
        }
    }
}

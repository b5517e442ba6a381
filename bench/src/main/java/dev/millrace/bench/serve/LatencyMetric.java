package dev.millrace.bench.serve;

import java.util.List;
import java.util.function.Function;
import java.util.stream.DoubleStream;

/** A latency that is reported by mean, median and percentiles; of the answers that came. */
enum LatencyMetric {
    TTFT("ttft", "TTFT", "Time to First Token", outcome -> DoubleStream.of(outcome.ttft())),
    TPOT("tpot", "TPOT", "Time per Output Token (excl. 1st token)", LatencyMetric::timePerOutputToken),
    ITL("itl", "ITL", "Inter-token Latency", outcome -> DoubleStream.of(outcome.interTokenLatencies())),
    E2EL("e2el", "E2EL", "End-to-end Latency", outcome -> DoubleStream.of(outcome.latency())),
    CLIENT_QUEUE_TIME(
            "client_queue_time",
            "Client Queue Time",
            "Client-side Queueing",
            outcome -> DoubleStream.of(outcome.queued())),
    E2EL_INCLUDING_CLIENT_QUEUE(
            "e2el_including_client_queue",
            "E2EL incl. Client Queue",
            "Queue-inclusive End-to-end Latency",
            outcome -> DoubleStream.of(outcome.latency() + outcome.queued()));

    private final String key;
    private final String label;
    private final String header;
    private final Function<Outcome, DoubleStream> values;

    LatencyMetric(String key, String label, String header, Function<Outcome, DoubleStream> values) {
        this.key = key;
        this.label = label;
        this.header = header;
        this.values = values;
    }

    /** Its name on the command line and in results. */
    @Override
    public String toString() {
        return key;
    }

    /** Its name in the report. */
    String label() {
        return label;
    }

    /** Its heading in the report. */
    String header() {
        return header;
    }

    /** Seconds; of each answer none, one, or many. */
    double[] of(List<Outcome> answers) {
        return answers.stream().map(values).flatMapToDouble(each -> each).toArray();
    }

    private static DoubleStream timePerOutputToken(Outcome outcome) {
        return outcome.outputTokens() > 1 ? DoubleStream.of(outcome.timePerOutputToken()) : DoubleStream.empty();
    }

    /** Reads a metric's name. */
    static final class Converter extends OneOf<LatencyMetric> {
        Converter() {
            super(values());
        }
    }
}

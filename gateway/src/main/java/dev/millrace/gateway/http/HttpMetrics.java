package dev.millrace.gateway.http;

import dev.millrace.gateway.ServerStatus;
import dev.millrace.schemas.EngineStatus;
import io.vertx.core.http.HttpMethod;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;

/**
 * {@code /metrics} in Prometheus' text format: requests by the names of {@code prometheus-fastapi-instrumentator}, which vLLM
 * uses, and what the job's subtasks said of themselves by vLLM's names. Belongs to the event loop.
 */
final class HttpMetrics {

    static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final List<Double> DURATIONS = List.of(0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0);

    /** How long requests took: how many at most as long as each bound, and all of them. */
    private static final class Durations {
        private final long[] atMost = new long[DURATIONS.size()];
        private long count;
        private double sum;

        private void add(double seconds) {
            for (int i = 0; i < atMost.length; i++) {
                atMost[i] += seconds <= DURATIONS.get(i) ? 1 : 0;
            }
            count++;
            sum += seconds;
        }
    }

    private final Map<String, Long> requests = new TreeMap<>();
    private final Map<String, Durations> durations = new TreeMap<>();

    /** @param handler the path by which its route was added */
    void count(HttpMethod method, String handler, int status, long nanos) {
        String labels = "handler=\"" + escaped(handler) + "\",method=\"" + known(method) + "\"";
        requests.merge(labels + ",status=\"" + status / 100 + "xx\"", 1L, Long::sum);
        durations.computeIfAbsent(labels, absent -> new Durations()).add(nanos / 1e9);
    }

    /** Methods are the client's words; only those of the standard become a label. */
    private static String known(HttpMethod method) {
        return HttpMethod.values().contains(method) ? method.name() : "OTHER";
    }

    String text(ServerStatus status) {
        StringBuilder text = new StringBuilder();
        head(text, "http_requests_total", "counter", "Total number of requests by method, status and handler.");
        requests.forEach((labels, count) -> line(text, "http_requests_total", labels, count));
        head(text, "http_request_duration_seconds", "histogram", "Duration of HTTP requests in seconds.");
        durations.forEach((labels, histogram) -> write(text, labels, histogram));
        engine(text, status);
        return text.toString();
    }

    private static void write(StringBuilder text, String labels, Durations histogram) {
        String name = "http_request_duration_seconds";
        for (int i = 0; i < DURATIONS.size(); i++) {
            line(text, name + "_bucket", labels + ",le=\"" + DURATIONS.get(i) + "\"", histogram.atMost[i]);
        }
        line(text, name + "_bucket", labels + ",le=\"+Inf\"", histogram.count);
        line(text, name + "_sum", labels, histogram.sum);
        line(text, name + "_count", labels, histogram.count);
    }

    private static void engine(StringBuilder text, ServerStatus status) {
        gauge(text, status, "num_requests_running", "Requests in model execution batches.", EngineStatus::getRunning);
        gauge(text, status, "num_requests_waiting", "Requests waiting to be processed.", EngineStatus::getWaiting);
        gauge(
                text,
                status,
                "kv_cache_usage_perc",
                "KV-cache usage. 1 means 100 percent usage.",
                EngineStatus::getKvCacheUsage);
        TreeSet<String> counters = new TreeSet<>();
        status.subtasks()
                .forEach(subtask -> counters.addAll(subtask.getCounters().keySet()));
        String last = "";
        for (String counter : counters) {
            String name = counterName(counter);
            if (!name.equals(last)) {
                head(text, name, "counter", "Counted by the engine since its start.");
                last = name;
            }
            for (EngineStatus subtask : status.subtasks()) {
                line(
                        text,
                        name,
                        labels(subtask) + ownLabels(counter),
                        subtask.getCounters().getOrDefault(counter, 0L));
            }
        }
    }

    private static String counterName(String counter) {
        String name = "vllm:" + counter.replaceFirst("\\{.*", "");
        return name.endsWith("_total") ? name : name + "_total";
    }

    /** The labels that a counter brings in braces behind its name. */
    private static String ownLabels(String counter) {
        int brace = counter.indexOf('{');
        return brace < 0 ? "" : "," + counter.substring(brace + 1, counter.length() - 1);
    }

    private static void gauge(
            StringBuilder text, ServerStatus status, String name, String help, ToDoubleFunction<EngineStatus> value) {
        head(text, "vllm:" + name, "gauge", help);
        status.subtasks().forEach(subtask -> line(text, "vllm:" + name, labels(subtask), value.applyAsDouble(subtask)));
    }

    private static String labels(EngineStatus subtask) {
        List<String> names = subtask.getModelNames();
        return "engine=\"" + subtask.getSubtask() + "\",model_name=\"" + escaped(names.isEmpty() ? "" : names.get(0))
                + "\"";
    }

    private static void head(StringBuilder text, String name, String type, String help) {
        text.append("# HELP ").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static void line(StringBuilder text, String name, String labels, double value) {
        text.append(name).append('{').append(labels).append("} ").append(value).append('\n');
    }

    private static String escaped(String label) {
        return label.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }
}

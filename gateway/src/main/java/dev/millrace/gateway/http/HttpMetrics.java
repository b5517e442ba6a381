package dev.millrace.gateway.http;

import io.vertx.core.http.HttpMethod;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Requests, by the names of {@code prometheus-fastapi-instrumentator}, which vLLM uses. Belongs to the event loop. */
final class HttpMetrics {

    private static final List<Double> DURATIONS = List.of(0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0);

    private final Map<String, Long> requests = new TreeMap<>();
    private final Map<String, Histogram> durations = new TreeMap<>();

    /** @param handler the path by which its route was added */
    void count(HttpMethod method, String handler, int status, long nanos) {
        String labels = MetricsText.label("handler", handler) + "," + MetricsText.label("method", known(method));
        requests.merge(labels + "," + MetricsText.label("status", status / 100 + "xx"), 1L, Long::sum);
        durations.computeIfAbsent(labels, absent -> new Histogram(DURATIONS)).add(nanos / 1e9);
    }

    /** Methods are the client's words; only those of the standard become a label. */
    private static String known(HttpMethod method) {
        return HttpMethod.values().contains(method) ? method.name() : "OTHER";
    }

    void write(MetricsText text) {
        text.head("http_requests_total", "counter", "Total number of requests by method, status and handler.");
        requests.forEach((labels, count) -> text.line("http_requests_total", labels, count));
        String name = "http_request_duration_seconds";
        text.head(name, "histogram", "Duration of HTTP requests in seconds.");
        durations.forEach((labels, histogram) -> histogram.write(text, name, labels));
    }
}

package dev.millrace.gateway.http;

import dev.millrace.gateway.ServerStatus;
import dev.millrace.schemas.EngineStatus;
import java.util.List;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;

/** What the job's subtasks said of themselves, by vLLM's names ({@code vllm/v1/metrics/loggers.py}). */
record EngineMetrics(ServerStatus status) {

    void write(MetricsText text) {
        gauge(text, "num_requests_running", "Requests in model execution batches.", EngineStatus::getRunning);
        gauge(text, "num_requests_waiting", "Requests waiting to be processed.", EngineStatus::getWaiting);
        gauge(text, "kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", EngineStatus::getKvCacheUsage);
        TreeSet<String> counters = new TreeSet<>();
        status.subtasks()
                .forEach(subtask -> counters.addAll(subtask.getCounters().keySet()));
        String last = "";
        for (String counter : counters) {
            String name = "vllm:" + counter.replaceFirst("\\{.*", "") + "_total";
            if (!name.equals(last)) {
                text.head(name, "counter", "Counted by the engine since its start.");
                last = name;
            }
            for (EngineStatus subtask : status.subtasks()) {
                long count = subtask.getCounters().getOrDefault(counter, 0L);
                text.line(name, labels(subtask) + ownLabels(counter), count);
            }
        }
    }

    /** The labels that a counter brings in braces behind its name. */
    private static String ownLabels(String counter) {
        int brace = counter.indexOf('{');
        return brace < 0 ? "" : "," + counter.substring(brace + 1, counter.length() - 1);
    }

    private void gauge(MetricsText text, String name, String help, ToDoubleFunction<EngineStatus> value) {
        text.head("vllm:" + name, "gauge", help);
        status.subtasks().forEach(subtask -> text.line("vllm:" + name, labels(subtask), value.applyAsDouble(subtask)));
    }

    private static String labels(EngineStatus subtask) {
        List<String> names = subtask.getModelNames();
        return MetricsText.label("engine", String.valueOf(subtask.getSubtask())) + ","
                + MetricsText.label("model_name", names.isEmpty() ? "" : names.get(0));
    }
}

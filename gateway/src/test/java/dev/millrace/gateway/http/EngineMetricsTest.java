package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gateway.ServerStatus;
import dev.millrace.schemas.EngineStatus;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EngineMetricsTest {

    @Test
    void aCountersOwnLabelsFollowThoseOfItsSubtaskUnderOneHead() {
        EngineStatus engine = EngineStatus.newBuilder()
                .setSubtask(0)
                .setParallelism(1)
                .setVersion("1")
                .setModelNames(List.of("m"))
                .setModelPath("/m")
                .setMaxModelLen(1024)
                .setMaxLogprobs(20)
                .setUnfinished(0)
                .setRunning(0)
                .setWaiting(0)
                .setKvCacheUsage(0)
                .setCounters(Map.of(
                        "accepted_per_pos{position=\"0\"}", 8L, "accepted_per_pos{position=\"1\"}", 5L, "drafts", 10L))
                .setAt(Instant.EPOCH)
                .build();
        MetricsText text = new MetricsText();
        new EngineMetrics(new ServerStatus(List.of(engine), engine)).write(text);
        assertThat(text.toString())
                .contains("# TYPE vllm:accepted_per_pos_total counter\n"
                        + "vllm:accepted_per_pos_total{engine=\"0\",model_name=\"m\",position=\"0\"} 8.0\n"
                        + "vllm:accepted_per_pos_total{engine=\"0\",model_name=\"m\",position=\"1\"} 5.0\n"
                        + "# HELP vllm:drafts_total")
                .contains("vllm:drafts_total{engine=\"0\",model_name=\"m\"} 10.0\n");
    }
}

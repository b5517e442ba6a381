package dev.millrace.operators;

import dev.millrace.model.executor.Limits;
import dev.millrace.operators.engine.EngineStats;
import dev.millrace.schemas.EngineStatus;
import java.time.Instant;
import java.util.Map;

/** Words how a subtask is. */
final class StatusReport {

    private final OperatorConfig config;
    private final Limits limits;
    private final int subtask;
    private final int parallelism;

    StatusReport(OperatorConfig config, Limits limits, int subtask, int parallelism) {
        this.config = config;
        this.limits = limits;
        this.subtask = subtask;
        this.parallelism = parallelism;
    }

    /**
     * @param unfinished requests taken in and not answered
     */
    EngineStatus of(EngineStats stats, int unfinished, Instant now) {
        return EngineStatus.newBuilder()
                .setSubtask(subtask)
                .setParallelism(parallelism)
                .setVersion("")
                .setModelNames(config.servedModelNames())
                .setModelPath(config.model())
                .setMaxModelLen(limits.maxModelLen())
                .setMaxLogprobs(config.maxLogprobs())
                .setMediaLimits(Map.of(
                        "image", config.media().imagesPerPrompt(),
                        "video", config.media().videosPerPrompt()))
                .setUnfinished(unfinished)
                .setRunning(stats.numRequestsRunning())
                .setWaiting(stats.numRequestsWaiting())
                .setKvCacheUsage(stats.kvCacheUsage())
                .setCounters(counters(stats))
                .setAt(now)
                .build();
    }

    private static Map<String, Long> counters(EngineStats stats) {
        Map<String, Long> counters = stats.counters();
        long[] accepted = stats.speculation().numAcceptedTokensPerPos();
        for (int i = 0; i < accepted.length; i++) {
            counters.put("spec_decode_num_accepted_tokens_per_pos{position=\"" + i + "\"}", accepted[i]);
        }
        return counters;
    }
}

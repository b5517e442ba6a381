package dev.millrace.operators.metrics;

import dev.millrace.operators.sequence.Timeline;
import dev.millrace.schemas.FinishReason;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/**
 * What requests experience, under the names that vLLM gives it. Times are in nanoseconds of {@link System#nanoTime}. A
 * request that was restored has a history that this process did not see, so of its times only the whole counts.
 */
public final class RequestMetrics {

    private static final int WINDOW = 1_000;

    private final Histogram timeToFirstToken;
    private final Histogram interTokenLatency;
    private final Histogram endToEnd;
    private final Histogram queueTime;
    private final Histogram prefillTime;
    private final Histogram decodeTime;
    private final Histogram inferenceTime;
    private final Histogram promptTokens;
    private final Histogram generationTokens;
    private final Map<FinishReason, Counter> finished = new EnumMap<>(FinishReason.class);

    public RequestMetrics(MetricGroup group) {
        timeToFirstToken = group.histogram("time_to_first_token_seconds", new SecondsHistogram());
        interTokenLatency = group.histogram("inter_token_latency_seconds", new SecondsHistogram());
        endToEnd = group.histogram("e2e_request_latency_seconds", new SecondsHistogram());
        queueTime = group.histogram("request_queue_time_seconds", new SecondsHistogram());
        prefillTime = group.histogram("request_prefill_time_seconds", new SecondsHistogram());
        decodeTime = group.histogram("request_decode_time_seconds", new SecondsHistogram());
        inferenceTime = group.histogram("request_inference_time_seconds", new SecondsHistogram());
        promptTokens = group.histogram("request_prompt_tokens", new DescriptiveStatisticsHistogram(WINDOW));
        generationTokens = group.histogram("request_generation_tokens", new DescriptiveStatisticsHistogram(WINDOW));
        for (FinishReason reason : FinishReason.values()) {
            String word = reason.name().toLowerCase(Locale.ROOT);
            finished.put(reason, group.addGroup("finished_reason", word).counter("request_success"));
        }
    }

    /** The first token of an answer came. */
    public void firstToken(long sinceArrival) {
        timeToFirstToken.update(sinceArrival);
    }

    /** A further token came. */
    public void nextToken(long sinceToken) {
        interTokenLatency.update(sinceToken);
    }

    /** A request was ended, by an answer or by an error. */
    public void finished(FinishReason reason, long sinceArrival) {
        finished.get(reason).inc();
        endToEnd.update(sinceArrival);
    }

    /** How long an answer was. */
    public void lengths(int prompt, int generated) {
        promptTokens.update(prompt);
        generationTokens.update(generated);
    }

    /** How an answer's time was spent, where this process saw all of it; one that ended before its first token has no phases. */
    public void phases(Timeline time) {
        if (time.firstToken() == 0) {
            return;
        }
        queueTime.update(time.firstScheduled() - time.added());
        prefillTime.update(time.firstToken() - time.firstScheduled());
        decodeTime.update(time.lastToken() - time.firstToken());
        inferenceTime.update(time.lastToken() - time.firstScheduled());
    }
}

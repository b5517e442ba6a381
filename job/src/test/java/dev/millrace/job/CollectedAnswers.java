package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.common.IsolationLevel;

/** The events of a token topic, read until as many answers ended as are expected. Fails on any token twice or missing. */
final class CollectedAnswers implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final TokenReader reader;
    private final Map<String, List<Integer>> tokens = new HashMap<>();
    private final Map<String, TokenEvent> ends = new HashMap<>();
    private int events;

    CollectedAnswers(KafkaConfig config) {
        reader = new TokenReader(config, IsolationLevel.READ_COMMITTED, TokenReader.Start.EARLIEST);
    }

    void awaitEvents(int count) throws IOException {
        await(() -> events >= count);
    }

    void awaitEnds(int count) throws IOException {
        await(() -> ends.size() >= count);
    }

    /** Takes in what was committed, without waiting for more than a poll. */
    void drain() throws IOException {
        reader.poll(Duration.ofSeconds(2)).forEach(this::accept);
    }

    private void await(BooleanSupplier reached) throws IOException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!reached.getAsBoolean()) {
            assertThat(System.nanoTime())
                    .as("%d events and %d ends came in time", events, ends.size())
                    .isLessThan(end);
            reader.poll(Duration.ofMillis(100)).forEach(this::accept);
        }
    }

    private void accept(TokenEvent event) {
        events++;
        List<Integer> answer = tokens.computeIfAbsent(event.getRequestId(), id -> new ArrayList<>());
        assertThat(event.getFirstPosition()).as(event.getRequestId()).isEqualTo(answer.size());
        assertThat(ends).doesNotContainKey(event.getRequestId());
        answer.addAll(event.getTokenIds());
        if (event.getFinishReason() != null) {
            ends.put(event.getRequestId(), event);
        }
    }

    int events() {
        return events;
    }

    Map<String, List<Integer>> tokens() {
        return tokens;
    }

    Map<String, TokenEvent> ends() {
        return ends;
    }

    @Override
    public void close() {
        reader.close();
    }
}

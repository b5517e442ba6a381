package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.apache.kafka.common.IsolationLevel;

/** The events of a token topic, read until as many answers ended as are expected. Fails on any token twice or missing. */
final class CollectedAnswers implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(8);

    private final TokenReader reader;
    private final Map<String, List<Integer>> tokens = new HashMap<>();
    private final Map<String, String> texts = new HashMap<>();
    private final Map<String, Set<Integer>> attemptsOf = new HashMap<>();
    private final Map<String, TokenEvent> ends = new HashMap<>();
    private int events;
    private int attempt = -1;
    private int awaitedAttempt = -1;

    CollectedAnswers(KafkaConfig config) {
        reader = new TokenReader(config, IsolationLevel.READ_COMMITTED, TopicReader.Start.EARLIEST);
    }

    void awaitEvents(int count) throws IOException {
        await(count + " events", () -> events >= count);
    }

    /** Waits for an event of a later attempt than was seen when this was called last. */
    void awaitLaterAttempt() throws IOException {
        int before = awaitedAttempt;
        await("an attempt after " + before, () -> attempt > before);
        awaitedAttempt = attempt;
    }

    void awaitEnds(int count) throws IOException {
        await(count + " ends", () -> ends.size() >= count);
    }

    /** Takes in what was committed, without waiting for more than a poll. */
    void drain() throws IOException {
        reader.poll(Duration.ofSeconds(2)).forEach(this::accept);
    }

    /** Reads on until the condition holds. */
    void await(String what, BooleanSupplier reached) throws IOException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!reached.getAsBoolean()) {
            assertThat(System.nanoTime())
                    .as("in time came %s; %d events and %d ends came", what, events, ends.size())
                    .isLessThan(end);
            reader.poll(Duration.ofMillis(100)).forEach(this::accept);
        }
    }

    private void accept(TokenEvent event) {
        events++;
        attemptsOf.computeIfAbsent(event.getRequestId(), id -> new HashSet<>()).add(event.getAttempt());
        attempt = Math.max(attempt, event.getAttempt());
        List<Integer> answer = tokens.computeIfAbsent(event.getRequestId(), id -> new ArrayList<>());
        assertThat(event.getFirstPosition()).as(event.getRequestId()).isEqualTo(answer.size());
        assertThat(ends).doesNotContainKey(event.getRequestId());
        answer.addAll(event.getTokenIds());
        texts.merge(event.getRequestId(), String.join("", event.getText()), String::concat);
        if (event.getFinishReason() != null) {
            ends.put(event.getRequestId(), event);
        }
    }

    Map<String, List<Integer>> tokens() {
        return tokens;
    }

    /** Answers that were begun by one attempt and went on with another. */
    List<String> interrupted() {
        return attemptsOf.entrySet().stream()
                .filter(entry -> entry.getValue().size() > 1)
                .map(Map.Entry::getKey)
                .toList();
    }

    Map<String, String> texts() {
        return texts;
    }

    Map<String, TokenEvent> ends() {
        return ends;
    }

    @Override
    public void close() {
        reader.close();
    }
}

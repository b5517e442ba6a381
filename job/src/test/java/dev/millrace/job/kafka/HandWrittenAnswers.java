package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.Headers;
import dev.millrace.gateway.topic.RecordProducer;
import dev.millrace.gateway.topic.StatusTopic;
import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;

/** The test in the place of the job: reads prompts and cancels, writes events. */
final class HandWrittenAnswers implements AutoCloseable {

    private final KafkaConfig config;
    private final TopicReader prompts;
    private final TopicReader control;
    private final Map<TopicReader, Deque<ConsumerRecord<byte[], byte[]>>> read = new HashMap<>();
    private final TokenEventSerializer serializer;
    private final RecordProducer producer;

    HandWrittenAnswers(KafkaConfig config) {
        this.config = config;
        prompts = reader(config.promptTopic());
        control = reader(config.controlTopic());
        serializer = new TokenEventSerializer(config.format(), config.tokenTopic());
        serializer.open(null, null);
        producer = new RecordProducer(config.properties(), Map.of(), 1 << 20);
    }

    private TopicReader reader(String topic) {
        return new TopicReader(
                config.properties(), IsolationLevel.READ_COMMITTED, TopicReader.Start.EARLIEST, List.of(topic));
    }

    /** The next prompt's record. */
    ConsumerRecord<byte[], byte[]> prompt() {
        return next(prompts);
    }

    /** The next cancel's record. */
    ConsumerRecord<byte[], byte[]> cancel() {
        return next(control);
    }

    /** Whether no further prompt comes within a moment. */
    boolean noPromptComes() {
        return !prompts.poll(Duration.ofMillis(500)).iterator().hasNext();
    }

    private ConsumerRecord<byte[], byte[]> next(TopicReader reader) {
        Deque<ConsumerRecord<byte[], byte[]>> records = read.computeIfAbsent(reader, unread -> new ArrayDeque<>());
        while (records.isEmpty()) {
            reader.poll(Duration.ofMillis(100)).forEach(records::add);
        }
        return records.remove();
    }

    static String text(byte[] bytes) {
        return Headers.text(bytes).orElseThrow();
    }

    static TokenEvent.Builder event(String id, String replyTo, int attempt, int first, Integer... tokens) {
        List<Integer> ids = List.of(tokens);
        return TokenEvent.newBuilder()
                .setRequestId(id)
                .setReplyTo(replyTo)
                .setAttempt(attempt)
                .setFirstPosition(first)
                .setTokenIds(ids)
                .setText(ids.stream().map(token -> "<" + token + ">").toList())
                .setTextStart(3 * first)
                .setEmittedAt(Instant.EPOCH);
    }

    void write(TokenEvent.Builder... events) {
        Arrays.stream(events).forEach(event -> write(serializer.serialize(event.build(), null, null)));
    }

    /** Into this partition, rather than the one that the key says. */
    void write(int partition, TokenEvent event) {
        ProducerRecord<byte[], byte[]> record = serializer.serialize(event, null, null);
        write(new ProducerRecord<>(record.topic(), partition, record.key(), record.value(), record.headers()));
    }

    void write(ProducerRecord<byte[], byte[]> record) {
        producer.send(record).join();
    }

    void write(EngineStatus status) throws IOException {
        byte[] value = StatusTopic.codec().encode(status);
        write(new ProducerRecord<>(config.statusTopic(), null, value));
    }

    @Override
    public void close() {
        prompts.close();
        control.close();
        producer.close();
    }
}

package dev.millrace.job.kafka;

import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads the token topic with a stock consumer, all partitions, without a group. Read committed, every event comes once, with
 * the checkpoint that holds it. Read uncommitted, events come as they are made, and again after a restart: an
 * {@link AnswerAssembler} tells what is new. Belongs to one thread.
 */
public final class TokenReader implements AutoCloseable {

    /** Where reading starts. */
    public enum Start {
        EARLIEST,
        LATEST
    }

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final RecordCodec<TokenEvent> codec;

    public TokenReader(KafkaConfig config, IsolationLevel isolation, Start start) {
        this.codec = config.format().tokens(config.tokenTopic());
        Properties properties = config.properties();
        properties.put(
                ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation.toString().toLowerCase(Locale.ROOT));
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 100);
        this.consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> partitions = consumer.partitionsFor(config.tokenTopic()).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        consumer.assign(partitions);
        if (start == Start.EARLIEST) {
            consumer.seekToBeginning(partitions);
        } else {
            consumer.seekToEnd(partitions);
        }
        // Seeking is lazy: without this a reader would start at the end of the first poll, not of this moment.
        partitions.forEach(consumer::position);
    }

    /** The events that came, in order within an answer; empty if none came in time. */
    public List<TokenEvent> poll(Duration timeout) throws IOException {
        List<TokenEvent> events = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(timeout)) {
            events.add(codec.decode(record.value()));
        }
        return events;
    }

    @Override
    public void close() {
        consumer.close();
    }
}

package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.IsolationLevel;

/**
 * Reads the token topic with a stock consumer. Read committed, every event comes once, with the checkpoint that holds it.
 * Read uncommitted, events come as they are made, and again after a restart: a
 * {@link dev.millrace.gateway.topic.AnswerAssembler} tells what is new. Belongs to one thread.
 */
public final class TokenReader implements AutoCloseable {

    private final TopicReader reader;
    private final RecordCodec<TokenEvent> codec;

    public TokenReader(KafkaConfig config, IsolationLevel isolation, TopicReader.Start start) {
        this.codec = config.format().tokens(config.tokenTopic());
        this.reader = new TopicReader(config.properties(), isolation, start, List.of(config.tokenTopic()));
    }

    /** The events that came, in order within an answer; empty if none came in time. */
    public List<TokenEvent> poll(Duration timeout) throws IOException {
        List<TokenEvent> events = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(timeout)) {
            events.add(codec.decode(record.value()));
        }
        return events;
    }

    @Override
    public void close() {
        reader.close();
    }
}

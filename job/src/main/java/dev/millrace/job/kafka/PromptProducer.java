package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.Headers;
import dev.millrace.gateway.topic.RecordProducer;
import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Submits prompts to the prompt topic with a stock producer. */
public final class PromptProducer implements AutoCloseable {

    private final String topic;
    private final RecordCodec<PromptRequest> codec;
    private final RecordProducer producer;

    public PromptProducer(KafkaConfig config, TopicLimits limits) {
        this.topic = config.promptTopic();
        this.codec = config.format().prompts(topic);
        this.producer = new RecordProducer(config.properties(), Map.of(), limits.promptBytes());
    }

    /**
     * Submits a request under its id.
     *
     * @return where it was written, once it is
     * @throws InvalidInputException if the topic does not take so large a record
     */
    public CompletableFuture<RecordMetadata> send(PromptRequest request) throws IOException {
        return send(Headers.bytes(request.getRequestId()), codec.encode(request));
    }

    /** Submits a value as it is. */
    public CompletableFuture<RecordMetadata> send(byte[] key, byte[] value) {
        return producer.send(new ProducerRecord<>(topic, key, value));
    }

    @Override
    public void close() {
        producer.close();
    }
}

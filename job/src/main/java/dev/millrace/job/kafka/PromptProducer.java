package dev.millrace.job.kafka;

import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import java.io.IOException;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.record.AbstractRecords;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Submits prompts to the prompt topic with a stock producer. */
public final class PromptProducer implements AutoCloseable {

    private final String topic;
    private final int maxBytes;
    private final RecordCodec<PromptRequest> codec;
    private final KafkaProducer<byte[], byte[]> producer;

    public PromptProducer(KafkaConfig config, TopicLimits limits) {
        this.topic = config.promptTopic();
        this.maxBytes = limits.promptBytes();
        this.codec = config.format().prompts(topic);
        Properties properties = config.properties();
        properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, maxBytes);
        properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, KafkaEnds.bufferBytes(maxBytes));
        this.producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
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
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, key, value);
        int bytes = AbstractRecords.estimateSizeInBytesUpperBound(
                RecordBatch.CURRENT_MAGIC_VALUE,
                CompressionType.NONE,
                key,
                value,
                record.headers().toArray());
        if (bytes > maxBytes) {
            throw new InvalidInputException(
                    "the prompt makes a record of " + bytes + " bytes; the topic " + topic + " takes " + maxBytes
                            + " (max.message.bytes). Give large pictures and videos by URL",
                    "messages");
        }
        CompletableFuture<RecordMetadata> written = new CompletableFuture<>();
        producer.send(record, (metadata, failure) -> {
            if (failure == null) {
                written.complete(metadata);
            } else {
                written.completeExceptionally(failure);
            }
        });
        return written;
    }

    @Override
    public void close() {
        producer.close();
    }
}

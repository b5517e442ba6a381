package dev.millrace.gateway.topic;

import dev.millrace.model.InvalidInputException;
import java.util.Map;
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

/** Writes records up to the size that their topic takes, with a stock producer. Safe for use by several threads. */
public final class RecordProducer implements AutoCloseable {

    private final int maxBytes;
    private final KafkaProducer<byte[], byte[]> producer;

    /**
     * @param clients what every client of the cluster needs
     * @param settings of the producer
     * @param maxBytes most bytes of a record
     */
    public RecordProducer(Properties clients, Map<String, Object> settings, int maxBytes) {
        this.maxBytes = maxBytes;
        Properties properties = new Properties();
        properties.putAll(clients);
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 0);
        properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, maxBytes);
        properties.put(ProducerConfig.BUFFER_MEMORY_CONFIG, bufferBytes(maxBytes));
        properties.putAll(settings);
        this.producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** A producer's buffer: its default, or two of the largest records. */
    public static long bufferBytes(int maxBytes) {
        return Math.max(32L << 20, 2L * maxBytes);
    }

    /**
     * Writes a record; waits where the producer's buffer is full or the broker was never heard of.
     *
     * @return where it was written, once it is
     * @throws InvalidInputException if the topic does not take so large a record
     */
    public CompletableFuture<RecordMetadata> send(ProducerRecord<byte[], byte[]> record) {
        requireFits(record);
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

    private void requireFits(ProducerRecord<byte[], byte[]> record) {
        int bytes = AbstractRecords.estimateSizeInBytesUpperBound(
                RecordBatch.CURRENT_MAGIC_VALUE,
                CompressionType.NONE,
                record.key(),
                record.value(),
                record.headers().toArray());
        if (bytes > maxBytes) {
            throw new InvalidInputException(
                    "the prompt makes a record of " + bytes + " bytes; the topic " + record.topic() + " takes "
                            + maxBytes + " (max.message.bytes). Give large pictures and videos by URL",
                    "messages");
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}

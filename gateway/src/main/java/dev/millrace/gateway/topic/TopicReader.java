package dev.millrace.gateway.topic;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads topics whole: all their partitions, without a group, and those that are added later from their beginning. Belongs to
 * one thread.
 */
public final class TopicReader implements AutoCloseable {

    /** Where reading starts. */
    public enum Start {
        EARLIEST,
        LATEST
    }

    private static final Map<String, Object> SETTINGS = Map.of(
            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
            false,
            ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG,
            100,
            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
            "earliest",
            ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
            false,
            CommonClientConfigs.METADATA_MAX_AGE_CONFIG,
            5_000,
            ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
            20_000);

    private final List<String> topics;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private Set<TopicPartition> partitions;

    /**
     * Returns when it is certain what will be read: every record that comes later.
     *
     * @param clients what every client of the cluster needs
     * @throws KafkaException if the cluster does not answer, or a topic is missing
     */
    public TopicReader(Properties clients, IsolationLevel isolation, Start start, List<String> topics) {
        this.topics = topics;
        Properties properties = new Properties();
        properties.putAll(clients);
        properties.putAll(SETTINGS);
        properties.put(
                ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation.toString().toLowerCase(Locale.ROOT));
        consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        try {
            seek(start);
        } catch (RuntimeException e) {
            consumer.close();
            throw e;
        }
    }

    private void seek(Start start) {
        partitions = known();
        consumer.assign(partitions);
        if (start == Start.EARLIEST) {
            consumer.seekToBeginning(partitions);
        } else {
            consumer.seekToEnd(partitions);
        }
        // Seeking is lazy: without this a reader would start at the end of the first poll, not of this moment.
        partitions.forEach(consumer::position);
    }

    /** The records that came, in order within a partition; none if none came in time. */
    public ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
        Set<TopicPartition> now = known();
        if (!now.equals(partitions)) {
            consumer.assign(now); // keeps the places in those that were there before
            partitions = now;
        }
        return consumer.poll(timeout);
    }

    /** Of what the client has been told, without asking. */
    private Set<TopicPartition> known() {
        Set<TopicPartition> known = new HashSet<>();
        for (String topic : topics) {
            List<PartitionInfo> found = consumer.partitionsFor(topic);
            if (found.isEmpty()) {
                throw new KafkaException("the topic " + topic + " does not exist; the job makes it when it is started");
            }
            found.forEach(partition -> known.add(new TopicPartition(topic, partition.partition())));
        }
        return known;
    }

    /** Has a poll that waits on another thread throw {@link org.apache.kafka.common.errors.WakeupException}. */
    public void wakeup() {
        consumer.wakeup();
    }

    @Override
    public void close() {
        consumer.close();
    }
}

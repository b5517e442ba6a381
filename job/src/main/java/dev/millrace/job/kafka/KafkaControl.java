package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.Headers;
import dev.millrace.gateway.topic.LoopThread;
import dev.millrace.gateway.topic.RecordProducer;
import dev.millrace.gateway.topic.StatusTopic;
import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.gateway.topic.Trouble;
import dev.millrace.operators.Cancel;
import dev.millrace.operators.Control;
import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.RecordCodec;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A subtask's line through the control and the status topic: one thread. It reads all cancels that the topic still holds, from
 * the beginning, so a restarted task hears again what was given up of the requests that it restored or has not read. While
 * Kafka is away it tries on: cancels spare work, and nothing is lost without them.
 */
public final class KafkaControl implements Control {

    private static final Logger LOG = LoggerFactory.getLogger(KafkaControl.class);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(5);
    private static final int MAX_STATUS_BYTES = 1 << 20;

    /** A word that could not be written soon is old. */
    private static final Map<String, Object> SETTINGS = Map.of(
            ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 3_000,
            ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 2_000,
            ProducerConfig.MAX_BLOCK_MS_CONFIG, 1_000);

    private final KafkaConfig config;
    private final String version;
    private final Listener listener;
    private final RecordCodec<EngineStatus> codec = StatusTopic.codec();
    private final AtomicReference<EngineStatus> latest = new AtomicReference<>();
    private final Trouble trouble = new Trouble(LOG, "Cancels are heard");
    private final LoopThread thread = new LoopThread("control", this::run);

    private KafkaControl(KafkaConfig config, String version, Listener listener) {
        this.config = config;
        this.version = version;
        this.listener = listener;
    }

    /**
     * Opens lines through the topics of {@code config}.
     *
     * @param version Millrace's
     */
    public static Factory factory(KafkaConfig config, String version) {
        return listener -> {
            var control = new KafkaControl(config, version, listener);
            control.thread.start();
            return control;
        };
    }

    @Override
    public void publish(EngineStatus status) {
        latest.set(status);
    }

    private void run() {
        try (var producer = new RecordProducer(config.properties(), SETTINGS, MAX_STATUS_BYTES)) {
            while (thread.isOpen()) {
                tryListen(producer);
                thread.pause(BETWEEN_TRIES);
            }
        } catch (Exception e) {
            listener.failed(e);
        }
    }

    private void tryListen(RecordProducer producer) throws IOException {
        try (var reader = new TopicReader(
                config.properties(),
                IsolationLevel.READ_COMMITTED,
                TopicReader.Start.EARLIEST,
                List.of(config.controlTopic()))) {
            trouble.isOver();
            while (thread.isOpen()) {
                hear(reader.poll(POLL));
                speak(producer);
            }
        } catch (KafkaException e) {
            trouble.is(e);
        }
    }

    private void hear(ConsumerRecords<byte[], byte[]> records) {
        List<Cancel> cancels = StreamSupport.stream(records.spliterator(), false)
                .flatMap(record -> CancelReader.read(record).stream())
                .toList();
        if (!cancels.isEmpty()) {
            listener.cancelled(cancels);
        }
    }

    private void speak(RecordProducer producer) throws IOException {
        EngineStatus status = latest.getAndSet(null);
        if (status == null) {
            return;
        }
        status.setVersion(version);
        byte[] key = Headers.bytes(Integer.toString(status.getSubtask()));
        producer.send(new ProducerRecord<>(config.statusTopic(), key, codec.encode(status)))
                .whenComplete((where, failure) -> {
                    if (failure != null) {
                        LOG.debug("status not written", failure);
                    }
                });
    }

    @Override
    public void close() {
        thread.close();
    }
}

package dev.millrace.gateway.topic;

import dev.millrace.gateway.UnavailableException;
import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that reads: token events as they are made, before a checkpoint commits them, and the job's words of itself. What is
 * for other readers is passed over by the record's header, without decoding.
 */
final class EventReader implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(EventReader.class);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);

    private final TopicsConfig config;
    private final String statusTopic;
    private final RecordCodec<TokenEvent> tokens;
    private final RecordCodec<EngineStatus> statuses = StatusTopic.codec();
    private final Listener listener;
    private final Trouble trouble = new Trouble(LOG, "Token events are read");
    private final LoopThread thread = new LoopThread("gateway-reader", this::run);
    private volatile CompletableFuture<Void> reading = new CompletableFuture<>();

    /** Hears on the reader's thread. */
    interface Listener {
        void onEvent(TokenEvent event);

        void onStatus(EngineStatus status);

        /** A moment has passed. */
        void onTick();

        /** Events may be missed from now on; none that were asked for before may be relied on. */
        void onInterruption(UnavailableException cause);
    }

    EventReader(TopicsConfig config, Listener listener) {
        this.config = config;
        this.listener = listener;
        this.statusTopic = StatusTopic.of(config.tokenTopic());
        this.tokens = config.tokens().get();
    }

    void start() {
        thread.start();
    }

    /** Complete while every event that is written will be read. */
    CompletableFuture<Void> reading() {
        return reading;
    }

    private void run() {
        try {
            while (thread.isOpen()) {
                tryRead();
                thread.pause(BETWEEN_TRIES);
            }
        } catch (InterruptedException e) {
            LOG.warn("the reader of token events was interrupted and ends", e);
        }
    }

    private void tryRead() {
        try (TopicReader reader = new TopicReader(
                config.clients(),
                IsolationLevel.READ_UNCOMMITTED,
                TopicReader.Start.LATEST,
                List.of(config.tokenTopic(), statusTopic))) {
            trouble.isOver();
            reading.complete(null);
            while (thread.isOpen()) {
                reader.poll(POLL).forEach(this::accept);
                listener.onTick();
            }
        } catch (KafkaException e) {
            trouble.is(e);
            interrupt(new UnavailableException("the answers cannot be read at present: " + e.getMessage(), e));
        }
    }

    /** In this order: who asks from now on waits for the next try, who asked before is told. */
    private void interrupt(UnavailableException cause) {
        CompletableFuture<Void> before = reading;
        reading = new CompletableFuture<>();
        before.completeExceptionally(cause);
        listener.onInterruption(cause);
    }

    private void accept(ConsumerRecord<byte[], byte[]> record) {
        if (record.topic().equals(statusTopic)) {
            decode(statuses, record, listener::onStatus);
        } else if (Headers.text(record.headers(), Headers.REPLY_TO)
                .filter(config.instance().id()::equals)
                .isPresent()) {
            decode(tokens, record, listener::onEvent);
        }
    }

    private static <T> void decode(RecordCodec<T> codec, ConsumerRecord<byte[], byte[]> record, Consumer<T> accept) {
        try {
            accept.accept(codec.decode(record.value()));
        } catch (IOException e) {
            LOG.warn("record {}-{}@{} is passed over", record.topic(), record.partition(), record.offset(), e);
        }
    }

    @Override
    public void close() {
        thread.close();
    }
}

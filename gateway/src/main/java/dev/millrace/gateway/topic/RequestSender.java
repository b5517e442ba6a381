package dev.millrace.gateway.topic;

import dev.millrace.gateway.UnavailableException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The thread that writes: prompts and cancels, in the order in which they were asked for. */
final class RequestSender implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RequestSender.class);

    /** How long Kafka may be away before a request fails. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final Map<String, Object> SETTINGS = Map.of(
            ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
            (int) PATIENCE.toMillis(),
            ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
            (int) PATIENCE.toMillis() / 2,
            ProducerConfig.MAX_BLOCK_MS_CONFIG,
            PATIENCE.toMillis() / 2,
            // Where partitions are, is not forgotten while nobody asks: to ask anew would hold all others up.
            ProducerConfig.METADATA_MAX_IDLE_CONFIG,
            TimeUnit.DAYS.toMillis(30));

    private final TopicsConfig config;
    private final String controlTopic;
    private final RecordCodec<PromptRequest> codec;
    private final RecordProducer producer;
    private final Supplier<CompletableFuture<Void>> reading;
    private final byte[] replyTo;
    private final Trouble trouble = new Trouble(LOG, "Cancels are written");
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(task -> new Thread(task, "gateway-sender"));

    /** @param reading complete while the answers are being read; nothing is sent before */
    RequestSender(TopicsConfig config, Supplier<CompletableFuture<Void>> reading) {
        this.config = config;
        this.reading = reading;
        this.controlTopic = ControlTopic.of(config.promptTopic());
        this.codec = config.prompts().get();
        this.replyTo = Headers.bytes(config.instance().id());
        this.producer = new RecordProducer(config.clients(), SETTINGS, config.maxPromptBytes());
    }

    /** Sends a request unless it has ended by then. */
    void send(PromptRequest request, PendingRequest pending) {
        long until = System.nanoTime() + PATIENCE.toNanos();
        try {
            thread.execute(() -> {
                if (!pending.hasEnded()) {
                    trySend(request, pending, until);
                }
            });
        } catch (RejectedExecutionException e) {
            pending.fail(new UnavailableException("this instance stops", e));
        }
    }

    private void trySend(PromptRequest request, PendingRequest pending, long until) {
        try {
            reading.get().get(until - System.nanoTime(), TimeUnit.NANOSECONDS);
            ProducerRecord<byte[], byte[]> prompt = record(request);
            pending.markSent();
            producer.send(prompt).whenComplete((where, failure) -> {
                if (failure != null) {
                    fail(pending, unavailable(failure));
                }
            });
        } catch (TimeoutException e) {
            fail(pending, unavailable(e));
        } catch (ExecutionException | IOException e) {
            fail(pending, unavailable(e.getCause() == null ? e : e.getCause()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(pending, new UnavailableException("this instance stops", e));
        } catch (RuntimeException e) {
            fail(pending, e);
        }
    }

    private ProducerRecord<byte[], byte[]> record(PromptRequest request) throws IOException {
        byte[] id = Headers.bytes(request.getRequestId());
        ProducerRecord<byte[], byte[]> prompt = new ProducerRecord<>(config.promptTopic(), id, codec.encode(request));
        prompt.headers().add(Headers.REQUEST_ID, id).add(Headers.REPLY_TO, replyTo);
        return prompt;
    }

    private static UnavailableException unavailable(Throwable cause) {
        String reason = cause.getMessage() == null ? "Kafka does not answer" : cause.getMessage();
        return new UnavailableException("the request could not be handed on: " + reason, cause);
    }

    private void fail(PendingRequest pending, Throwable cause) {
        if (pending.fail(cause)) {
            cancel(pending); // it may have been written all the same
        }
    }

    /** Has the job give a request up that has ended here. */
    void cancel(PendingRequest pending) {
        try {
            thread.execute(() -> {
                if (pending.wasSent()) {
                    control(ControlTopic.cancel(controlTopic, pending.id(), cancelTime(pending), pending.deadline()));
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.debug(
                    "request {} ended while this instance stopped; nothing is left to write it with", pending.id(), e);
        }
    }

    /** Not before the request was made, whatever clock its maker had. */
    private static Instant cancelTime(PendingRequest pending) {
        Instant now = Instant.now();
        return pending.createdAt().isAfter(now) ? pending.createdAt() : now;
    }

    /** Has the job give up what the process before asked for under this id. */
    void cancelAllBefore(Instant start) {
        thread.execute(() ->
                control(ControlTopic.cancelAll(controlTopic, config.instance().id(), start.minusMillis(1))));
    }

    /** Where it cannot be written, the job goes on with what nobody waits for. */
    private void control(ProducerRecord<byte[], byte[]> record) {
        producer.send(record).whenComplete((where, failure) -> {
            if (failure != null) {
                trouble.is(failure);
            } else {
                trouble.isOver();
            }
        });
    }

    /** Writes what is waiting, and returns when that is done or Kafka was away for too long. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(2 * PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            thread.shutdownNow();
            Thread.currentThread().interrupt();
        }
        producer.close();
    }
}

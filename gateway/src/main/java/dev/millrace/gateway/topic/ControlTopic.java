package dev.millrace.gateway.topic;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * What is written to the control topic: cancels. A record with the value {@code cancel} cancels the request that its key
 * names or, with the header {@code reply-to}, all requests of that reader, if they were made no later than the record's time. The
 * header {@code deadline} (milliseconds since 1970) says from when on no such request can come any more.
 */
public final class ControlTopic {

    /** The value of a record that cancels. */
    public static final String CANCEL = "cancel";

    /** Header: until when requests that have not arrived are to be cancelled. */
    public static final String DEADLINE = "deadline";

    private ControlTopic() {}

    /** The control topic of a prompt topic. */
    public static String of(String promptTopic) {
        return promptTopic + ".control";
    }

    /**
     * Cancels a request.
     *
     * @param at not before it was made
     * @param deadline the request's own, or null
     */
    static ProducerRecord<byte[], byte[]> cancel(String topic, String requestId, Instant at, Instant deadline) {
        ProducerRecord<byte[], byte[]> record = record(topic, requestId, at);
        if (deadline != null) {
            record.headers().add(DEADLINE, Headers.bytes(Long.toString(deadline.toEpochMilli())));
        }
        return record;
    }

    /** Cancels all that a reader has asked for until then. */
    static ProducerRecord<byte[], byte[]> cancelAll(String topic, String replyTo, Instant until) {
        ProducerRecord<byte[], byte[]> record = record(topic, replyTo, until);
        record.headers().add(Headers.REPLY_TO, Headers.bytes(replyTo));
        return record;
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, String key, Instant at) {
        byte[] value = CANCEL.getBytes(StandardCharsets.UTF_8);
        return new ProducerRecord<>(topic, null, at.toEpochMilli(), Headers.bytes(key), value);
    }
}

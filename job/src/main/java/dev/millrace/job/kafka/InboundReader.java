package dev.millrace.job.kafka;

import dev.millrace.gateway.topic.Headers;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.UnreadableRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Makes a prompt of a record. What the value leaves out is taken from the record: the request's id from the header
 * {@code request-id}, the key, or topic, partition and offset; the reader of the answer from the header {@code reply-to};
 * free words from the other headers. A record that cannot be read comes out as such, with the reason.
 */
final class InboundReader {

    /** An id goes into every event of the answer. */
    static final int MAX_ID = 512;

    static final int MAX_HEADERS = 64 << 10;

    private final RecordCodec<PromptRequest> codec;

    InboundReader(RecordCodec<PromptRequest> codec) {
        this.codec = codec;
    }

    /** @throws IOException if something other than the record is at fault, such as a registry that does not answer */
    InboundPrompt read(ConsumerRecord<byte[], byte[]> record) throws IOException {
        InboundPrompt.Builder inbound = InboundPrompt.newBuilder()
                .setTopic(record.topic())
                .setPartition(record.partition())
                .setOffset(record.offset())
                .setTimestamp(record.timestamp() < 0 ? Instant.now() : Instant.ofEpochMilli(record.timestamp()));
        try {
            return inbound.setRequest(request(record)).build();
        } catch (MalformedRecordException e) {
            return inbound.setUnreadable(unreadable(record, e.toEventError())).build();
        }
    }

    private PromptRequest request(ConsumerRecord<byte[], byte[]> record) throws IOException {
        if (record.value() == null) {
            throw new MalformedRecordException("the record has no value; a prompt is expected", (String) null);
        }
        PromptRequest request = codec.decode(record.value());
        Map<String, String> headers = Headers.read(record.headers());
        if (request.getRequestId().isEmpty()) {
            request.setRequestId(requestId(record, headers));
        }
        if (request.getReplyTo() == null) {
            request.setReplyTo(headers.get(Headers.REPLY_TO));
        }
        Map<String, String> all = new HashMap<>(headers);
        all.putAll(request.getHeaders());
        request.setHeaders(all);
        checkSizes(request);
        return request;
    }

    private static String requestId(ConsumerRecord<byte[], byte[]> record, Map<String, String> headers) {
        String header = headers.getOrDefault(Headers.REQUEST_ID, "");
        if (!header.isEmpty()) {
            return header;
        }
        return Headers.text(record.key())
                .filter(key -> !key.isEmpty() && key.length() <= MAX_ID)
                .orElseGet(() -> record.topic() + "/" + record.partition() + "/" + record.offset());
    }

    private static void checkSizes(PromptRequest request) throws MalformedRecordException {
        checkLength("request_id", request.getRequestId());
        if (request.getReplyTo() != null) {
            checkLength("reply_to", request.getReplyTo());
        }
        long characters = 0;
        for (Map.Entry<String, String> header : request.getHeaders().entrySet()) {
            characters += header.getKey().length() + header.getValue().length();
        }
        if (characters > MAX_HEADERS) {
            throw new MalformedRecordException(
                    "headers have " + characters + " characters together; at most " + MAX_HEADERS + " are allowed",
                    "headers");
        }
    }

    private static void checkLength(String name, String value) throws MalformedRecordException {
        if (value.length() > MAX_ID) {
            throw new MalformedRecordException(
                    name + " has " + value.length() + " characters; at most " + MAX_ID + " are allowed", name);
        }
    }

    private static UnreadableRecord unreadable(ConsumerRecord<byte[], byte[]> record, EventError error) {
        return UnreadableRecord.newBuilder()
                .setKey(record.key() == null ? null : ByteBuffer.wrap(record.key()))
                .setValue(record.value() == null ? null : ByteBuffer.wrap(record.value()))
                .setError(error)
                .setReplyTo(Headers.text(record.headers(), Headers.REPLY_TO)
                        .filter(replyTo -> replyTo.length() <= MAX_ID)
                        .orElse(null))
                .build();
    }
}

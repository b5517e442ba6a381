package dev.millrace.operators.state;

import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.PromptRequest;
import java.time.Instant;
import java.util.Map;

/**
 * What every event of a request needs to be addressed, whatever stage the request is in.
 *
 * @param requestId the request's id
 * @param topic where it came from
 * @param partition where it came from
 * @param offset where it came from
 * @param priority lower goes first where priorities count
 * @param replyTo who reads the answer, or null
 * @param headers the producer's words
 * @param createdAt when the producer made it, else the record's timestamp
 * @param deadline past which it is ended, or null
 */
public record RequestHeader(
        String requestId,
        String topic,
        int partition,
        long offset,
        int priority,
        String replyTo,
        Map<String, String> headers,
        Instant createdAt,
        Instant deadline) {

    /** Of a record that holds a request. */
    public static RequestHeader of(InboundPrompt inbound) {
        PromptRequest request = inbound.getRequest();
        return new RequestHeader(
                request.getRequestId(),
                inbound.getTopic(),
                inbound.getPartition(),
                inbound.getOffset(),
                request.getPriority(),
                request.getReplyTo(),
                request.getHeaders(),
                request.getCreatedAt() != null ? request.getCreatedAt() : inbound.getTimestamp(),
                request.getDeadline());
    }

    /** The record's own name, for events of records that have no usable request id. */
    public String place() {
        return place(topic, partition, offset);
    }

    /** {@code topic/partition/offset}. */
    public static String place(String topic, int partition, long offset) {
        return topic + "/" + partition + "/" + offset;
    }
}

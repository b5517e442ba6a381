package dev.millrace.gateway.topic;

import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.TokenEvent;
import java.time.Duration;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * Where a gateway's prompts go, and how many.
 *
 * @param clients what every client of the Kafka cluster needs
 * @param promptTopic topic that prompts are written to
 * @param tokenTopic topic that token events are read from
 * @param prompts makes a codec for the prompts' values
 * @param tokens makes a codec for the token events' values
 * @param maxPromptBytes most bytes of a prompt's record
 * @param instance which of the gateways this is
 * @param maxPending most requests outstanding
 * @param timeout after which a request without a deadline of its own is ended; null: never
 */
public record TopicsConfig(
        Properties clients,
        String promptTopic,
        String tokenTopic,
        Supplier<RecordCodec<PromptRequest>> prompts,
        Supplier<RecordCodec<TokenEvent>> tokens,
        int maxPromptBytes,
        Instance instance,
        int maxPending,
        Duration timeout) {

    /**
     * Which of the gateways this is; events say whose they are by this id.
     *
     * @param id at most 512 characters; no two gateways that run have the same
     * @param isStable whether the id is that of the process before, whose outstanding requests are then cancelled
     */
    public record Instance(String id, boolean isStable) {

        public Instance {
            if (id.isEmpty() || id.length() > PendingRequests.MAX_ID) {
                throw new IllegalArgumentException("--instance-id has " + id.length() + " characters; 1 to "
                        + PendingRequests.MAX_ID + " are allowed");
            }
        }

        /** One that was never there before. */
        public static Instance unique() {
            return new Instance("gateway-" + UUID.randomUUID(), false);
        }

        /** The one that was there before under this id, if any. */
        public static Instance stable(String id) {
            return new Instance(id, true);
        }
    }

    public TopicsConfig {
        Objects.requireNonNull(instance);
        if (maxPending < 1) {
            throw new IllegalArgumentException("--max-pending is " + maxPending + "; at least 1 is needed");
        }
    }
}

package dev.millrace.gateway.http;

import dev.millrace.gateway.openai.AnswerStyle;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How the HTTP side is set up; names in brackets are vLLM's flags.
 *
 * @param listener where the server listens
 * @param rootPath what a proxy in front has before every path
 * @param servedModelNames names by which the model may be asked for, the first one its own ({@code --served-model-name}); empty:
 *     those that the job says
 * @param apiKeys any of which opens what is under {@code /v1} ({@code --api-key}); empty: nothing is asked for
 * @param allowedOrigins whose pages may call ({@code --allowed-origins}); {@code *}: everybody's
 * @param answers how answers are written
 * @param limits what clients may cost
 * @param shutdownTimeout how long answers that are being sent may go on after a stop ({@code --shutdown-timeout}); zero ends
 *     them at once
 * @param version told by {@code /version}
 * @param logRequests whether each call is logged ({@code --enable-log-requests})
 */
public record GatewayConfig(
        Listener listener,
        RootPath rootPath,
        List<String> servedModelNames,
        List<String> apiKeys,
        List<String> allowedOrigins,
        AnswerStyle answers,
        Limits limits,
        Duration shutdownTimeout,
        String version,
        boolean logRequests) {

    /** Holds keys where {@code --api-key} is not given, as vLLM's {@code VLLM_API_KEY} does. */
    public static final String API_KEY_VARIABLE = "MILLRACE_API_KEY";

    /** @throws IllegalArgumentException if a value makes no sense */
    public GatewayConfig {
        require(!shutdownTimeout.isNegative(), "shutdown-timeout must not be negative, got " + shutdownTimeout);
        require(apiKeys.stream().noneMatch(String::isBlank), "api-key must not be empty");
        servedModelNames = List.copyOf(servedModelNames);
        apiKeys = List.copyOf(apiKeys);
        allowedOrigins = List.copyOf(allowedOrigins);
    }

    /** The keys given, else the one that the environment holds, else none. */
    public static List<String> apiKeys(List<String> given, Map<String, String> environment) {
        String variable = environment.getOrDefault(API_KEY_VARIABLE, "");
        return !given.isEmpty() || variable.isBlank() ? given : List.of(variable);
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }

    /**
     * What clients may cost.
     *
     * @param maxBodyBytes of one request
     * @param maxBodyBytesTogether of all requests that are being read or understood
     * @param maxHeaderBytes of one request
     * @param maxUnreadBytes of one answer that its client does not read fast enough
     * @param idleTimeout for which a connection may wait for a request, a request for more of its body, and an answer for its
     *     client to read on
     */
    public record Limits(
            int maxBodyBytes, long maxBodyBytesTogether, int maxHeaderBytes, int maxUnreadBytes, Duration idleTimeout) {

        public static final Limits DEFAULT =
                new Limits(32 << 20, 256L << 20, 64 << 10, 4 << 20, Duration.ofSeconds(75));

        /** @throws IllegalArgumentException if a value makes no sense */
        public Limits {
            require(maxBodyBytes > 0, "the limit of a body must be positive, got " + maxBodyBytes);
            require(
                    maxBodyBytesTogether >= maxBodyBytes,
                    "the limit of all bodies must be at least that of one, got " + maxBodyBytesTogether);
            require(maxHeaderBytes > 0, "the limit of headers must be positive, got " + maxHeaderBytes);
            require(maxUnreadBytes > 0, "the limit of unread bytes must be positive, got " + maxUnreadBytes);
            require(!idleTimeout.isNegative() && !idleTimeout.isZero(), "the idle timeout must be positive");
        }

        /**
         * The same for bodies of another size.
         *
         * @throws IllegalArgumentException if it is none, or above 1 GiB
         */
        public Limits withMaxBodyBytes(long bytes) {
            require(
                    bytes > 0 && bytes <= 1 << 30,
                    "max-body-size must be between 1 and 1073741824 bytes (1GiB), got " + bytes);
            return new Limits(
                    (int) bytes, Math.max(maxBodyBytesTogether, bytes), maxHeaderBytes, maxUnreadBytes, idleTimeout);
        }
    }
}

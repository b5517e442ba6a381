package dev.millrace.bench.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Sends requests and reads their streamed answers. Safe for use by several threads. */
final class LoadClient {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int OK = 200;

    private final HttpClient http;
    private final ServerAddress server;
    private final Backend backend;
    private final String model;
    private final ObjectNode extraBody;
    private final Stopwatch clock;

    /**
     * @param model its name on the server
     * @param extraBody fields of every body, which win over ours
     */
    LoadClient(
            HttpClient http,
            ServerAddress server,
            Backend backend,
            String model,
            ObjectNode extraBody,
            Stopwatch clock) {
        this.http = http;
        this.server = server;
        this.backend = backend;
        this.model = model;
        this.extraBody = extraBody;
        this.clock = clock;
    }

    Stopwatch clock() {
        return clock;
    }

    /**
     * Sends a request now.
     *
     * @param arrival when it was due, in seconds of the clock
     * @return its outcome, when the answer has ended; never fails
     */
    CompletableFuture<Outcome> send(LoadRequest request, double arrival) {
        HttpRequest call = server.request(server.api())
                .header("Content-Type", "application/json")
                .header("x-request-id", request.id())
                .POST(BodyPublishers.ofByteArray(body(request)))
                .build();
        double start = clock.seconds();
        var recorder = new StreamRecorder(backend, request, clock, start, start - arrival);
        return http.sendAsync(call, head -> subscriber(head, request, recorder, start, start - arrival))
                .handle((response, failure) -> failure == null
                        ? response.body()
                        : Outcome.failed(request, start, start - arrival, message(failure)));
    }

    private static BodySubscriber<Outcome> subscriber(
            HttpResponse.ResponseInfo head, LoadRequest request, StreamRecorder recorder, double start, double queued) {
        if (head.statusCode() == OK) {
            return BodySubscribers.fromLineSubscriber(recorder, StreamRecorder::outcome, StandardCharsets.UTF_8, null);
        }
        return BodySubscribers.mapping(
                BodySubscribers.ofString(StandardCharsets.UTF_8),
                body -> Outcome.failed(request, start, queued, ServerError.message(head.statusCode(), body)));
    }

    private byte[] body(LoadRequest request) {
        try {
            return JSON.writeValueAsBytes(backend.body(model, request).setAll(extraBody));
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String message(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }
}

package dev.millrace.gateway.http;

import dev.millrace.gateway.Generations;
import dev.millrace.gateway.http.GatewayConfig.Limits;
import dev.millrace.gateway.openai.ApiError;
import dev.millrace.gateway.openai.ApiException;
import dev.millrace.gateway.openai.Call;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers calls to both generating endpoints, and knows those under way. Bodies are understood and prompts sent by worker
 * threads, as either may be large; all else belongs to the event loop.
 */
final class CallHandler {

    /** Understands a body. */
    @FunctionalInterface
    interface Reader {

        /** @param requestId the client's word for the request, or null */
        Call read(byte[] body, String requestId) throws ApiException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(CallHandler.class);
    private static final ApiError CLOSING = ApiError.unavailable("The server is shutting down; try again later.");

    private final Vertx vertx;
    private final Generations generations;
    private final JsonBodies bodies;
    private final Limits limits;
    private final AnswerMetrics metrics;
    private final Set<GenerationCall> active = new HashSet<>();
    private Runnable idle;

    CallHandler(Vertx vertx, Generations generations, JsonBodies bodies, Limits limits, AnswerMetrics metrics) {
        this.vertx = vertx;
        this.generations = generations;
        this.bodies = bodies;
        this.limits = limits;
        this.metrics = metrics;
    }

    /** Calls under way. */
    int active() {
        return active.size();
    }

    boolean isClosing() {
        return idle != null;
    }

    /**
     * Takes no more calls.
     *
     * @param idle runs when none is under way any more
     */
    void close(Runnable idle) {
        this.idle = idle;
        if (active.isEmpty()) {
            idle.run();
        }
    }

    /** Ends all calls under way. */
    void abort() {
        List.copyOf(active).forEach(call -> call.fail(CLOSING));
    }

    void handle(HttpServerRequest request, Reader reader) {
        if (isClosing()) {
            Replies.error(request, CLOSING);
            return;
        }
        String requestId = request.getHeader("X-Request-Id");
        AnswerMetrics.Watch watch = metrics.watch();
        bodies.read(request, body -> reader.read(body, requestId), call -> begin(request, call, watch));
    }

    private void begin(HttpServerRequest request, Call call, AnswerMetrics.Watch watch) {
        if (request.response().closed()) {
            return;
        }
        if (isClosing()) {
            Replies.error(request, CLOSING);
            return;
        }
        request.response().putHeader("X-Request-Id", call.requestId());
        Context context = vertx.getOrCreateContext();
        ResponseWriter writer = writer(request, call);
        GenerationCall generation = new GenerationCall(context, call, writer, watch, this::over);
        active.add(generation);
        request.response().closeHandler(gone -> generation.abandon());
        context.executeBlocking(() -> generation.submit(generations), false)
                .onSuccess(generation::sent)
                .onFailure(failure -> generation.fail(JsonBodies.error(failure)));
    }

    private ResponseWriter writer(HttpServerRequest request, Call call) {
        if (!call.stream()) {
            return new CollectedResponse(request, call.collected());
        }
        EventStream stream = new EventStream(vertx, request.response(), limits, () -> {
            LOG.warn(
                    "{} does not read its answer {}: {} bytes or {} are the most that wait for it; cut off",
                    request.remoteAddress(),
                    call.id(),
                    limits.maxUnreadBytes(),
                    limits.idleTimeout());
            ConnectionWatch.cut(request.connection());
        });
        return new StreamedResponse(request, call.streamed(), stream);
    }

    private void over(GenerationCall call) {
        active.remove(call);
        if (active.isEmpty() && idle != null) {
            idle.run();
        }
    }
}

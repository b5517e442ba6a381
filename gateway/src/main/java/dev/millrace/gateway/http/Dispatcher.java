package dev.millrace.gateway.http;

import dev.millrace.gateway.openai.ApiError;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What happens to every request: who may call, which handler answers, what is counted. Belongs to the event loop. */
final class Dispatcher implements Handler<HttpServerRequest> {

    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);

    private final Routes routes;
    private final ApiKeys keys;
    private final Cors cors;
    private final ConnectionWatch connections;
    private final HttpMetrics metrics;
    private final boolean logRequests;

    Dispatcher(
            Routes routes,
            ApiKeys keys,
            Cors cors,
            ConnectionWatch connections,
            HttpMetrics metrics,
            boolean logRequests) {
        this.routes = routes;
        this.keys = keys;
        this.cors = cors;
        this.connections = connections;
        this.metrics = metrics;
        this.logRequests = logRequests;
    }

    @Override
    public void handle(HttpServerRequest request) {
        long begun = System.nanoTime();
        connections.begun(request, () -> over(request, begun));
        if (Cors.isPreflight(request)) {
            cors.permit(request);
            cors.answerPreflight(request);
            return;
        }
        cors.permit(request);
        try {
            dispatch(request);
        } catch (RuntimeException e) {
            LOG.error("{} {} failed", request.method(), request.path(), e);
            Replies.error(request, ApiError.internal("The request failed; the server's log says why."));
        }
    }

    private void dispatch(HttpServerRequest request) {
        if (!keys.admit(request, routes.path(request))) {
            request.response().putHeader("WWW-Authenticate", "Bearer");
            Replies.error(request, ApiError.ofStatus(401, "Unauthorized", "Unauthorized"));
            return;
        }
        Routes.Route route = routes.find(request);
        if (route == null) {
            Replies.error(request, ApiError.ofStatus(404, "Not Found", "Not Found"));
        } else if (request.method().equals(HttpMethod.OPTIONS)) {
            request.response().putHeader("Allow", route.allowed());
            Replies.empty(request, 204);
        } else if (route.handler(request.method()) == null) {
            request.response().putHeader("Allow", route.allowed());
            Replies.error(request, ApiError.ofStatus(405, "Method Not Allowed", "Method Not Allowed"));
        } else {
            route.handler(request.method()).accept(request);
        }
    }

    private void over(HttpServerRequest request, long begun) {
        long nanos = System.nanoTime() - begun;
        int status = status(request);
        metrics.count(request.method(), routes.name(request), status, nanos);
        if (logRequests) {
            LOG.info(
                    "{} - \"{} {}\" {} in {} ms",
                    request.remoteAddress(),
                    request.method(),
                    request.path(),
                    status,
                    TimeUnit.NANOSECONDS.toMillis(nanos));
        }
    }

    /** What was sent or, as in vLLM, would have been to a client that did not wait: 400 if it broke off in its body. */
    private static int status(HttpServerRequest request) {
        HttpServerResponse response = request.response();
        return request.isEnded() || response.headWritten() ? response.getStatusCode() : 400;
    }
}

package dev.millrace.gateway.http;

import dev.millrace.gateway.openai.ApiError;
import dev.millrace.gateway.openai.ApiException;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads bodies that hold JSON and has them understood by a worker thread. Belongs to the event loop. */
final class JsonBodies {

    /** Makes something of a body; runs on a worker thread. */
    @FunctionalInterface
    interface Understanding<T> {

        T of(byte[] body) throws ApiException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(JsonBodies.class);

    private final Vertx vertx;
    private final BodyReader bodies;

    JsonBodies(Vertx vertx, BodyReader bodies) {
        this.vertx = vertx;
        this.bodies = bodies;
    }

    /** Answers the request with what is wrong, or hands over what was made of its body. */
    <T> void read(HttpServerRequest request, Understanding<T> understanding, Consumer<T> understood) {
        if (!isJson(request.getHeader("Content-Type"))) {
            Replies.error(
                    request,
                    ApiError.badRequest("Unsupported Media Type: Only 'application/json' is allowed", "Content-Type"));
            return;
        }
        bodies.read(request, body -> vertx.getOrCreateContext()
                .executeBlocking(() -> understanding.of(body), false)
                .onComplete(result -> {
                    bodies.release(body.length);
                    if (result.succeeded()) {
                        understood.accept(result.result());
                    } else {
                        Replies.error(request, error(result.cause()));
                    }
                }));
    }

    private static boolean isJson(String contentType) {
        return contentType != null && contentType.split(";", 2)[0].strip().equalsIgnoreCase("application/json");
    }

    static ApiError error(Throwable failure) {
        if (failure instanceof ApiException e) {
            return e.error();
        }
        LOG.error("A request failed", failure);
        return ApiError.internal("The request failed; the server's log says why.");
    }
}

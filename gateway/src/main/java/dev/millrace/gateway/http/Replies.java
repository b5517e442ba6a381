package dev.millrace.gateway.http;

import dev.millrace.gateway.openai.ApiError;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** Responses that are sent whole. */
final class Replies {

    private static final String RETRY_AFTER_SECONDS = "1";

    private Replies() {}

    static void json(HttpServerRequest request, int status, String body) {
        text(request, status, "application/json", body);
    }

    static void text(HttpServerRequest request, int status, String type, String body) {
        HttpServerResponse response = request.response();
        if (!response.ended() && !response.closed()) {
            response.setStatusCode(status).putHeader("Content-Type", type).end(body);
        }
    }

    static void empty(HttpServerRequest request, int status) {
        request.response().setStatusCode(status).end();
    }

    static void error(HttpServerRequest request, ApiError error) {
        if (error.status() == 429 || error.status() == 503) {
            request.response().putHeader("Retry-After", RETRY_AFTER_SECONDS);
        }
        json(request, error.status(), error.toJson().toString());
    }
}

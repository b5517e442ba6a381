package dev.millrace.gateway.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;

/** Whose pages may call from a browser, as Starlette's {@code CORSMiddleware} with all methods and headers says it. */
record Cors(List<String> origins) {

    private static final String METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
    private static final String MAX_AGE_SECONDS = "600";

    static boolean isPreflight(HttpServerRequest request) {
        return request.method().equals(HttpMethod.OPTIONS)
                && request.getHeader("Origin") != null
                && request.getHeader("Access-Control-Request-Method") != null;
    }

    /** Tells the browser whether its page may read the answer. */
    void permit(HttpServerRequest request) {
        String origin = request.getHeader("Origin");
        if (origin == null) {
            return;
        }
        HttpServerResponse response = request.response();
        if (origins.contains("*")) {
            response.putHeader("Access-Control-Allow-Origin", "*");
        } else if (origins.contains(origin)) {
            response.putHeader("Access-Control-Allow-Origin", origin).putHeader("Vary", "Origin");
        }
    }

    /** Answers the question that a browser asks before the call itself. */
    void answerPreflight(HttpServerRequest request) {
        HttpServerResponse response = request.response().putHeader("Content-Type", "text/plain; charset=utf-8");
        if (!origins.contains("*") && !origins.contains(request.getHeader("Origin"))) {
            response.setStatusCode(400).end("Disallowed CORS origin");
            return;
        }
        response.putHeader("Access-Control-Allow-Methods", METHODS)
                .putHeader("Access-Control-Max-Age", MAX_AGE_SECONDS);
        String headers = request.getHeader("Access-Control-Request-Headers");
        if (headers != null) {
            response.putHeader("Access-Control-Allow-Headers", headers);
        }
        response.end("OK");
    }
}

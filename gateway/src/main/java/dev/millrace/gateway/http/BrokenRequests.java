package dev.millrace.gateway.http;

import dev.millrace.gateway.openai.ApiError;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.http.HttpServerRequest;

/** Answers what is no HTTP, or has a head that is larger than it may be. */
final class BrokenRequests {

    private BrokenRequests() {}

    static void refuse(HttpServerRequest request) {
        request.response().putHeader("Connection", "close");
        Replies.error(request, error(request.decoderResult().cause()));
        request.connection().close();
    }

    private static ApiError error(Throwable cause) {
        if (cause instanceof TooLongHttpLineException) {
            return ApiError.ofStatus(414, "Request-URI Too Long", "The request's URI is too long.");
        }
        return cause instanceof TooLongHttpHeaderException
                ? ApiError.ofStatus(431, "Request Header Fields Too Large", "The request's headers are too large.")
                : ApiError.ofStatus(400, "Bad Request", "Invalid HTTP request received.");
    }
}

package dev.millrace.gateway.http;

import dev.millrace.gateway.http.GatewayConfig.Limits;
import dev.millrace.gateway.openai.ApiError;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.Consumer;

/**
 * Reads requests' bodies within limits: of one, of all together, of the time for which one may pause. What is too large is
 * refused by its announced length before it is read, else as soon as it is. Belongs to the event loop.
 */
final class BodyReader {

    private static final long LINGER_MILLIS = 2_000;

    private final Vertx vertx;
    private final Limits limits;
    private long held;

    BodyReader(Vertx vertx, Limits limits) {
        this.vertx = vertx;
        this.limits = limits;
    }

    /** Reads the body, or refuses the request. Who gets it gives its length back by {@link #release} when it is understood. */
    void read(HttpServerRequest request, Consumer<byte[]> whole) {
        String announced = request.getHeader("Content-Length");
        if (announced != null && tooLarge(announced)) {
            refuse(request, tooLarge());
            return;
        }
        if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
            request.response().writeContinue();
        }
        new Reading(request, whole).begin();
    }

    void release(int bytes) {
        held -= bytes;
    }

    private boolean tooLarge(String length) {
        try {
            return Long.parseLong(length.strip()) > limits.maxBodyBytes();
        } catch (NumberFormatException e) {
            return true; // the parser has refused what is no number; this one has more digits than fit
        }
    }

    private ApiError tooLarge() {
        return ApiError.ofStatus(
                413,
                "Request Entity Too Large",
                "The request body is larger than " + limits.maxBodyBytes()
                        + " bytes, which is the most this server takes; send large pictures and videos by URL.");
    }

    /** The rest of the body is not wanted: it is thrown away for a while, so that the client gets to read why, then cut off. */
    private void refuse(HttpServerRequest request, ApiError error) {
        request.handler(chunk -> {});
        request.response().putHeader("Connection", "close");
        Replies.error(request, error);
        vertx.setTimer(LINGER_MILLIS, id -> ConnectionWatch.cut(request.connection()));
    }

    /** One body that is being read. */
    private final class Reading {

        private final HttpServerRequest request;
        private final Consumer<byte[]> whole;
        private final Buffer body = Buffer.buffer();
        private long timer;
        private boolean over;

        Reading(HttpServerRequest request, Consumer<byte[]> whole) {
            this.request = request;
            this.whole = whole;
        }

        void begin() {
            wait(request);
            request.handler(this::take);
            request.exceptionHandler(gone -> give());
            request.endHandler(end -> {
                if (!over) {
                    over = true;
                    vertx.cancelTimer(timer);
                    whole.accept(body.getBytes());
                }
            });
        }

        private void wait(HttpServerRequest request) {
            timer = vertx.setTimer(limits.idleTimeout().toMillis(), id -> {
                if (give()) {
                    refuse(
                            request,
                            ApiError.ofStatus(
                                    408,
                                    "Request Timeout",
                                    "Nothing more of the request body came for "
                                            + limits.idleTimeout().toSeconds() + " seconds."));
                }
            });
        }

        private void take(Buffer chunk) {
            if (over) {
                return;
            }
            vertx.cancelTimer(timer);
            held += chunk.length();
            body.appendBuffer(chunk);
            if (body.length() > limits.maxBodyBytes()) {
                give();
                refuse(request, tooLarge());
            } else if (held > limits.maxBodyBytesTogether()) {
                give();
                refuse(request, ApiError.unavailable("This server is reading as much as it may; try again later."));
            } else {
                wait(request);
            }
        }

        /** Gives up what was read. */
        private boolean give() {
            if (over) {
                return false;
            }
            over = true;
            vertx.cancelTimer(timer);
            release(body.length());
            return true;
        }
    }
}

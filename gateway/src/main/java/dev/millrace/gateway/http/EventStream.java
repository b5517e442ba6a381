package dev.millrace.gateway.http;

import dev.millrace.gateway.http.GatewayConfig.Limits;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;

/**
 * A response as server-sent events. What its client does not read is held up to a limit and for some time; then the
 * connection is cut, for events cannot be made to wait. Belongs to the event loop.
 */
final class EventStream {

    private final Vertx vertx;
    private final HttpServerResponse response;
    private final Limits limits;
    private final Runnable tooSlow;
    private long unread;
    private long timer = -1;
    private boolean cut;

    /** @param tooSlow runs once, if the client does not read fast enough */
    EventStream(Vertx vertx, HttpServerResponse response, Limits limits, Runnable tooSlow) {
        this.vertx = vertx;
        this.response = response;
        this.limits = limits;
        this.tooSlow = tooSlow;
    }

    void begin() {
        response.setStatusCode(200)
                .putHeader("Content-Type", "text/event-stream; charset=utf-8")
                .putHeader("Cache-Control", "no-cache")
                .setChunked(true);
    }

    void data(String text) {
        if (cut || response.closed()) {
            return;
        }
        Buffer event = Buffer.buffer("data: " + text + "\n\n");
        unread += event.length();
        watch();
        response.write(event).onComplete(written -> read(event.length()));
        if (unread > limits.maxUnreadBytes()) {
            cut();
        }
    }

    /** The last event. */
    void end() {
        data("[DONE]");
        if (!cut && !response.closed()) {
            unread++; // the end itself, until it is written
            response.end().onComplete(ended -> read(1));
        }
    }

    private void read(int bytes) {
        unread -= bytes;
        vertx.cancelTimer(timer);
        timer = -1;
        if (unread > 0) {
            watch();
        }
    }

    private void watch() {
        if (timer == -1 && !cut) {
            timer = vertx.setTimer(limits.idleTimeout().toMillis(), id -> cut());
        }
    }

    private void cut() {
        if (!cut) {
            cut = true;
            vertx.cancelTimer(timer);
            tooSlow.run();
        }
    }
}

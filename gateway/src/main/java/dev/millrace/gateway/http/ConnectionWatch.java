package dev.millrace.gateway.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Closes connections on which no request came for a while, or did not come to the end of its headers, and tells when a
 * request is over: answered, or its client gone. Belongs to the event loop.
 */
final class ConnectionWatch {

    /** A connection's requests that have no response yet, and the timer that runs while there are none. */
    private static final class Connection {
        private final Set<Runnable> requests = new LinkedHashSet<>();
        private long timer;

        private void end(Runnable over) {
            if (requests.remove(over)) {
                over.run();
            }
        }
    }

    private final Vertx vertx;
    private final Duration idleTimeout;
    private final Map<HttpConnection, Connection> connections = new HashMap<>();

    ConnectionWatch(Vertx vertx, Duration idleTimeout) {
        this.vertx = vertx;
        this.idleTimeout = idleTimeout;
    }

    void opened(HttpConnection http) {
        Connection connection = new Connection();
        connections.put(http, connection);
        rest(http, connection);
        http.closeHandler(closed -> {
            connections.remove(http);
            vertx.cancelTimer(connection.timer);
            List.copyOf(connection.requests).forEach(connection::end);
        });
    }

    /** @param over runs once: when the response has ended, or its connection before it did */
    void begun(HttpServerRequest request, Runnable over) {
        Connection connection = connections.get(request.connection());
        if (connection == null) {
            over.run(); // it was read, but its client is gone already
            return;
        }
        connection.requests.add(over);
        vertx.cancelTimer(connection.timer);
        request.response().endHandler(ended -> {
            connection.end(over);
            if (connection.requests.isEmpty() && connections.containsKey(request.connection())) {
                rest(request.connection(), connection);
            }
        });
    }

    private void rest(HttpConnection http, Connection connection) {
        connection.timer = vertx.setTimer(idleTimeout.toMillis(), id -> cut(http));
    }

    /** Closes a connection whether or not its client reads what is still to be written; a plain close would wait for that. */
    static void cut(HttpConnection http) {
        ((ConnectionBase) http).channelHandlerContext().close(); // past Vert.x's own handler, which waits
    }
}

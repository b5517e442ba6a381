package dev.millrace.gateway.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Closes connections on which no request came for a while, or did not come to the end of its headers. Belongs to the event loop. */
final class ConnectionWatch {

    /** A connection's requests that have no response yet, and the timer that runs while there are none. */
    private static final class Connection {
        private int requests;
        private long timer;
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
        });
    }

    void requestBegun(HttpConnection http) {
        Connection connection = connections.get(http);
        if (connection != null) {
            connection.requests++;
            vertx.cancelTimer(connection.timer);
        }
    }

    void requestEnded(HttpConnection http) {
        Connection connection = connections.get(http);
        if (connection != null && --connection.requests == 0) {
            rest(http, connection);
        }
    }

    private void rest(HttpConnection http, Connection connection) {
        connection.timer = vertx.setTimer(idleTimeout.toMillis(), id -> cut(http));
    }

    /** Closes a connection whether or not its client reads what is still to be written; a plain close would wait for that. */
    static void cut(HttpConnection http) {
        ((ConnectionBase) http).channelHandlerContext().close(); // past Vert.x's own handler, which waits
    }
}

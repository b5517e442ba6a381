package dev.millrace.gateway.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the server listens, and whether it speaks TLS; names in brackets are vLLM's flags.
 *
 * @param host address to listen on ({@code --host}); null: all
 * @param port port to listen on ({@code --port}); 0: a free one
 * @param socket path of a Unix domain socket to listen on instead ({@code --uds}); null: none
 * @param tls null: plain HTTP
 */
public record Listener(String host, int port, Path socket, Tls tls) {

    public static final int DEFAULT_PORT = 8000;

    private static final String ALL = "0.0.0.0";

    /** @throws IllegalArgumentException if there is no such port */
    public Listener {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port must be between 0 and 65535, got " + port);
        }
    }

    /** Plain HTTP at an address. */
    public static Listener at(String host, int port) {
        return new Listener(host, port, null, null);
    }

    /**
     * What clients are told as their base URL; of a socket, as vLLM does, its path.
     *
     * @param actualPort the one that was got
     */
    public URI url(int actualPort) {
        try {
            return socket == null
                    ? new URI(tls == null ? "http" : "https", null, boundHost(), actualPort, "/v1", null, null)
                    : new URI("unix", socket.toString(), null);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(this + " was listened on", e);
        }
    }

    SocketAddress address() {
        return socket == null
                ? SocketAddress.inetSocketAddress(port, boundHost())
                : SocketAddress.domainSocketAddress(socket.toString());
    }

    HttpServerOptions options(Vertx vertx) {
        HttpServerOptions options = new HttpServerOptions();
        if (tls != null) {
            tls.apply(options, vertx);
        }
        return options;
    }

    private String boundHost() {
        return host == null ? ALL : host;
    }

    /** Removes the socket's file if nobody listens on it any more, as a killed server leaves it. */
    void sweep() throws IOException {
        if (socket == null || !Files.exists(socket)) {
            return;
        }
        try (var there = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            there.shutdownOutput();
        } catch (ConnectException e) {
            if (Files.readAttributes(socket, "isOther").get("isOther").equals(true)) {
                Files.delete(socket);
            }
        }
    }

    @Override
    public String toString() {
        return socket != null ? "socket " + socket : (host == null ? "all addresses" : host) + ", port " + port;
    }
}

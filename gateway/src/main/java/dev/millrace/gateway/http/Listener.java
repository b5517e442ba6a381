package dev.millrace.gateway.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import java.net.URI;

/**
 * Where the server listens, and whether it speaks TLS; names in brackets are vLLM's flags.
 *
 * @param host address to listen on ({@code --host}); null: all
 * @param port port to listen on ({@code --port}); 0: a free one
 * @param tls null: plain HTTP
 */
public record Listener(String host, int port, Tls tls) {

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
        return new Listener(host, port, null);
    }

    /**
     * What clients are told as their base URL.
     *
     * @param actualPort the one that was got
     */
    public URI url(int actualPort) {
        String name = host == null ? ALL : host;
        String bracketed = name.indexOf(':') < 0 ? name : "[" + name + "]";
        return URI.create((tls == null ? "http" : "https") + "://" + bracketed + ":" + actualPort + "/v1");
    }

    HttpServerOptions options(Vertx vertx) {
        HttpServerOptions options =
                new HttpServerOptions().setHost(host == null ? ALL : host).setPort(port);
        if (tls != null) {
            tls.apply(options, vertx);
        }
        return options;
    }

    @Override
    public String toString() {
        return (host == null ? "all addresses" : host) + ", port " + port;
    }
}

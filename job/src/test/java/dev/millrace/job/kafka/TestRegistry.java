package dev.millrace.job.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A schema registry in this process, with the part of Confluent's REST interface that is used. */
public final class TestRegistry implements AutoCloseable {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final InetSocketAddress ADDRESS = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private final HttpServer server;
    private final String scheme;
    private final List<String> schemas = new ArrayList<>();
    private final List<String> requests = new ArrayList<>();
    private final List<String> authorizations = new ArrayList<>();
    private int failure;

    public TestRegistry() throws IOException {
        this(HttpServer.create(ADDRESS, 0), "http");
    }

    /** One that speaks TLS. */
    TestRegistry(Certificate certificate) throws IOException, GeneralSecurityException {
        this(secure(certificate), "https");
    }

    private TestRegistry(HttpServer server, String scheme) {
        this.server = server;
        this.scheme = scheme;
        server.createContext("/", this::handle);
        server.start();
    }

    private static HttpServer secure(Certificate certificate) throws IOException, GeneralSecurityException {
        HttpsServer server = HttpsServer.create(ADDRESS, 0);
        server.setHttpsConfigurator(new HttpsConfigurator(certificate.server()));
        return server;
    }

    public String url() {
        return scheme + "://user:secret@127.0.0.1:" + server.getAddress().getPort();
    }

    synchronized int add(String schema) {
        schemas.add(schema);
        return schemas.size();
    }

    synchronized void failWith(int status) {
        failure = status;
    }

    public synchronized List<String> requests() {
        return List.copyOf(requests);
    }

    synchronized List<String> authorizations() {
        return List.copyOf(authorizations);
    }

    private synchronized void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        requests.add(exchange.getRequestMethod() + " " + path);
        authorizations.add(exchange.getRequestHeaders().getFirst("Authorization"));
        if (failure != 0) {
            answer(exchange, failure, "broken");
        } else if (path.startsWith("/schemas/ids/")) {
            int number = Integer.parseInt(path.substring("/schemas/ids/".length()));
            boolean known = number >= 1 && number <= schemas.size();
            answer(
                    exchange,
                    known ? 200 : 404,
                    known ? MAPPER.writeValueAsString(Map.of("schema", schemas.get(number - 1))) : "{}");
        } else {
            JsonNode body = MAPPER.readTree(exchange.getRequestBody());
            answer(exchange, 200, "{\"id\":" + add(body.path("schema").asText()) + "}");
        }
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes();
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

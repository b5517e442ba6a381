package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A server with OpenAI's API that answers each request as a test says. */
final class ScriptedServer implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger mostRunning = new AtomicInteger();
    private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
    private final AtomicInteger ids = new AtomicInteger();

    ScriptedServer(Script script) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/v1/models", exchange -> {
            send(exchange, 200, "{\"data\": [{\"id\": \"served\", \"root\": \"/models/it\"}]}");
        });
        server.createContext("/v1/completions", exchange -> answer(exchange, script));
        server.createContext("/v1/chat/completions", exchange -> answer(exchange, script));
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Requests so far, in the order of their arrival. */
    List<Call> calls() {
        return List.copyOf(calls);
    }

    int mostRunning() {
        return mostRunning.get();
    }

    private void answer(HttpExchange exchange, Script script) throws IOException {
        mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
        var call = new Call(
                exchange.getRequestURI().getPath(),
                exchange.getRequestHeaders(),
                JSON.readTree(exchange.getRequestBody()));
        calls.add(call);
        try {
            Reply reply = script.reply(call);
            running.decrementAndGet();
            send(exchange, reply.status(), reply.body().replace("$ID", "cmpl-" + ids.incrementAndGet()));
        } catch (Exception e) {
            send(exchange, 500, e.toString());
        }
    }

    private static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, 0);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdown();
    }

    interface Script {

        Reply reply(Call call) throws Exception;
    }

    record Call(String path, Headers headers, JsonNode body) {}

    record Reply(int status, String body) {

        /** Streams a completion word by word. */
        static Reply completion(int promptTokens, String... words) {
            return stream("{\"text\":\"%s\"}", promptTokens, words);
        }

        static Reply chat(int promptTokens, String... words) {
            return stream("{\"delta\":{\"content\":\"%s\"}}", promptTokens, words);
        }

        private static Reply stream(String choice, int promptTokens, String... words) {
            var body = new StringBuilder();
            for (String word : words) {
                body.append("data: {\"id\":\"$ID\",\"choices\":[")
                        .append(choice.formatted(word))
                        .append("]}\n\n");
            }
            body.append(
                    "data: {\"id\":\"$ID\",\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\n"
                            .formatted(promptTokens, words.length));
            return new Reply(200, body.append("data: [DONE]\n\n").toString());
        }
    }
}

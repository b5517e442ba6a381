package dev.millrace.gateway.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.gateway.http.GatewayConfig.Limits;
import dev.millrace.gateway.openai.AnswerStyle;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.tokenizer.ChatRenderer;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;

/** A server over loopback, in front of generations that the test makes up. */
abstract class HttpTest {

    static final ModelDirectory MODEL =
            new ModelDirectory(Path.of(System.getProperty("millrace.root"), "models", "demo-vl"));
    static final DjlTokenizer TOKENIZER = MODEL.tokenizer();
    static final ChatRenderer CHATS = MODEL.chatRenderer(TOKENIZER);

    private static final JsonMapper JSON = new JsonMapper();

    final FakeGenerations generations = new FakeGenerations();
    final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    GatewayServer server;

    static GatewayConfig config() {
        return new GatewayConfig(
                Listener.at("127.0.0.1", 0),
                RootPath.NONE,
                List.of(),
                List.of(),
                List.of("*"),
                AnswerStyle.DEFAULT,
                Limits.DEFAULT,
                Duration.ZERO,
                "1.2.3",
                false);
    }

    /** The same elsewhere. */
    static GatewayConfig on(Listener listener, RootPath rootPath, GatewayConfig base) {
        return new GatewayConfig(
                listener,
                rootPath,
                base.servedModelNames(),
                base.apiKeys(),
                base.allowedOrigins(),
                base.answers(),
                base.limits(),
                base.shutdownTimeout(),
                base.version(),
                base.logRequests());
    }

    /** With a log of requests. */
    static GatewayConfig config(AnswerStyle style) {
        GatewayConfig base = config();
        return new GatewayConfig(
                base.listener(),
                base.rootPath(),
                base.servedModelNames(),
                base.apiKeys(),
                base.allowedOrigins(),
                style,
                base.limits(),
                base.shutdownTimeout(),
                base.version(),
                true);
    }

    static GatewayConfig config(Limits limits, Duration shutdownTimeout) {
        GatewayConfig base = config();
        return new GatewayConfig(
                base.listener(),
                base.rootPath(),
                base.servedModelNames(),
                base.apiKeys(),
                base.allowedOrigins(),
                base.answers(),
                limits,
                shutdownTimeout,
                base.version(),
                false);
    }

    static GatewayConfig config(List<String> apiKeys, List<String> origins, List<String> names) {
        GatewayConfig base = config();
        return new GatewayConfig(
                base.listener(),
                base.rootPath(),
                names,
                apiKeys,
                origins,
                base.answers(),
                base.limits(),
                base.shutdownTimeout(),
                base.version(),
                false);
    }

    void start(GatewayConfig config) throws IOException {
        server = GatewayServer.start(config, generations, TOKENIZER, CHATS);
    }

    @AfterEach
    void stop() throws IOException {
        if (server != null) {
            server.close();
        }
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                .timeout(Duration.ofSeconds(FakeGenerations.PATIENCE_SECONDS));
    }

    HttpRequest post(String path, String json) {
        return request(path)
                .header("Content-Type", "application/json")
                .header("X-Request-Id", "abc")
                .POST(BodyPublishers.ofString(json.replace('\'', '"')))
                .build();
    }

    CompletableFuture<HttpResponse<String>> send(String path, String json) {
        return client.sendAsync(post(path, json), BodyHandlers.ofString());
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return client.send(request(path).GET().build(), BodyHandlers.ofString());
    }

    static <T> T wait(CompletableFuture<T> future) throws Exception {
        return future.get(FakeGenerations.PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    static JsonNode json(HttpResponse<String> response) throws IOException {
        return JSON.readTree(response.body());
    }

    static JsonNode json(String text) throws IOException {
        return JSON.readTree(text);
    }
}

package dev.millrace.gateway.http;

import dev.millrace.gateway.Generations;
import dev.millrace.gateway.openai.ApiException;
import dev.millrace.gateway.openai.CallReader;
import dev.millrace.gateway.openai.ModelCards;
import dev.millrace.gateway.openai.Tokenization;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** Every endpoint, and what it answers. Belongs to the event loop. */
final class ServerRoutes {

    private static final String MODELS = "/v1/models";

    private final Generations generations;
    private final ServedModel model;
    private final CallHandler calls;
    private final JsonBodies bodies;
    private final HttpMetrics requests;
    private final AnswerMetrics answers;
    private final String version;
    private final RootPath root;
    private final long started = Instant.now().getEpochSecond();

    ServerRoutes(
            Generations generations,
            ServedModel model,
            CallHandler calls,
            JsonBodies bodies,
            HttpMetrics requests,
            AnswerMetrics answers,
            String version,
            RootPath root) {
        this.generations = generations;
        this.model = model;
        this.calls = calls;
        this.bodies = bodies;
        this.requests = requests;
        this.answers = answers;
        this.version = version;
        this.root = root;
    }

    Routes routes(CallReader reader, Tokenization tokenization) {
        return new Routes(root)
                .add(HttpMethod.POST, "/v1/chat/completions", request -> calls.handle(request, reader::chat))
                .add(HttpMethod.POST, "/v1/completions", request -> calls.handle(request, reader::completion))
                .add(HttpMethod.GET, MODELS, request -> Replies.json(request, 200, cards().list()))
                .add(HttpMethod.GET, MODELS + "/", this::card)
                .add(HttpMethod.POST, "/tokenize", request -> understand(request, tokenization::tokenize))
                .add(HttpMethod.POST, "/detokenize", request -> understand(request, tokenization::detokenize))
                .add(HttpMethod.GET, "/health", this::health)
                .add(HttpMethod.GET, "/ping", this::health)
                .add(HttpMethod.POST, "/ping", this::health)
                .add(HttpMethod.GET, "/version", request -> json(request, "version", '"' + version + '"'))
                .add(HttpMethod.GET, "/load", request -> json(request, "server_load", String.valueOf(calls.active())))
                .add(HttpMethod.GET, "/metrics", this::metrics);
    }

    private ModelCards cards() {
        return new ModelCards(model.names(), model.path(), model.maxModelLen(), started);
    }

    private void card(HttpServerRequest request) {
        try {
            String name = root.strip(request.path()).substring(MODELS.length() + 1);
            Replies.json(request, 200, cards().one(decoded(name)));
        } catch (ApiException e) {
            Replies.error(request, e.error());
        }
    }

    /** What a part of a path spells, in which a plus is a plus; what is spelled wrongly stays as it is. */
    private static String decoded(String path) {
        try {
            return URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return path;
        }
    }

    private void understand(HttpServerRequest request, JsonBodies.Understanding<String> understanding) {
        bodies.read(request, understanding, answer -> Replies.json(request, 200, answer));
    }

    private void health(HttpServerRequest request) {
        boolean healthy = generations.status().isAlive() && !calls.isClosing();
        Replies.empty(request, healthy ? 200 : 503);
    }

    private void metrics(HttpServerRequest request) {
        MetricsText text = new MetricsText();
        requests.write(text);
        answers.write(text, model.names().isEmpty() ? "" : model.names().get(0));
        new EngineMetrics(generations.status()).write(text);
        Replies.text(request, 200, MetricsText.CONTENT_TYPE, text.toString());
    }

    private static void json(HttpServerRequest request, String name, String value) {
        Replies.json(request, 200, "{\"" + name + "\":" + value + "}");
    }
}

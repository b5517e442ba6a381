package dev.millrace.gateway.http;

import dev.millrace.gateway.Generations;
import dev.millrace.gateway.openai.CallReader;
import dev.millrace.gateway.openai.PromptIds;
import dev.millrace.gateway.openai.Tokenization;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.tokenizer.ChatRenderer;
import dev.millrace.model.tokenizer.Tokenizer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * OpenAI's API over HTTP in front of the topics. One event loop owns all connections and calls; a few worker threads
 * understand bodies. The generations are the caller's to close, after this.
 */
public final class GatewayServer implements AutoCloseable {

    private static final int WORKERS = 4;
    private static final Duration PATIENCE = Duration.ofSeconds(30); // with Vert.x itself
    private static final Duration LAST_WORDS = Duration.ofSeconds(2); // for responses of aborted calls to be written

    private final GatewayConfig config;
    private final Vertx vertx;
    private final Context context;
    private final CallHandler calls;
    private final Routes routes;
    private final HttpServer server;
    private boolean closed;

    /**
     * Starts to listen.
     *
     * @throws IOException if the address cannot be listened on
     * @throws InvalidInputException if a certificate or key cannot be used
     */
    public static GatewayServer start(
            GatewayConfig config, Generations generations, Tokenizer tokenizer, ChatRenderer chats) throws IOException {
        Vertx vertx = vertx();
        try {
            GatewayServer server = new GatewayServer(vertx, config, generations, tokenizer, chats);
            config.listener().sweep();
            await(server.server.listen(config.listener().address()), PATIENCE);
            return server;
        } catch (InvalidInputException e) {
            await(vertx.close(), PATIENCE);
            throw e;
        } catch (IOException | RuntimeException e) {
            await(vertx.close(), PATIENCE);
            throw new IOException("cannot listen on " + config.listener() + ": " + e.getMessage(), e);
        }
    }

    private GatewayServer(
            Vertx vertx, GatewayConfig config, Generations generations, Tokenizer tokenizer, ChatRenderer chats) {
        this.config = config;
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        JsonBodies bodies = new JsonBodies(vertx, new BodyReader(vertx, config.limits()));
        AnswerMetrics answers = new AnswerMetrics(System::nanoTime);
        HttpMetrics requests = new HttpMetrics();
        this.calls = new CallHandler(vertx, generations, bodies, config.limits(), answers);
        ConnectionWatch connections = new ConnectionWatch(vertx, config.limits().idleTimeout());
        ServedModel model = new ServedModel(config.servedModelNames(), generations);
        ServerRoutes endpoints = new ServerRoutes(
                generations, model, calls, bodies, requests, answers, config.version(), config.rootPath());
        this.routes = routes(endpoints, model, tokenizer, chats);
        this.server = vertx.createHttpServer(options(vertx, config))
                .connectionHandler(connections::opened)
                .invalidRequestHandler(BrokenRequests::refuse)
                .requestHandler(new Dispatcher(
                        routes,
                        new ApiKeys(config.apiKeys()),
                        new Cors(config.allowedOrigins()),
                        connections,
                        requests,
                        config.logRequests()));
    }

    private Routes routes(ServerRoutes endpoints, ServedModel model, Tokenizer tokenizer, ChatRenderer chats) {
        PassedOverFields passedOver = new PassedOverFields();
        PromptIds ids = new PromptIds(tokenizer, chats);
        return endpoints.routes(
                new CallReader(model::names, config.answers(), ids, Clock.systemUTC(), passedOver),
                new Tokenization(model::names, model::maxModelLen, ids, passedOver));
    }

    /** Every path that is answered; one that ends with a slash stands for all that begin so. */
    Set<String> paths() {
        return routes.paths();
    }

    private static Vertx vertx() {
        return Vertx.vertx(new VertxOptions()
                .setEventLoopPoolSize(1)
                .setWorkerPoolSize(WORKERS)
                .setFileSystemOptions(
                        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
    }

    private static HttpServerOptions options(Vertx vertx, GatewayConfig config) {
        return config.listener()
                .options(vertx)
                .setHttp2ClearTextEnabled(false)
                .setTcpKeepAlive(true)
                .setMaxInitialLineLength(config.limits().maxHeaderBytes())
                .setMaxHeaderSize(config.limits().maxHeaderBytes());
    }

    /** The port that is listened on. */
    public int port() {
        return server.actualPort();
    }

    /** What clients are told as their base URL. */
    public URI url() {
        return config.listener().url(port());
    }

    /**
     * Takes no more calls, lets those under way end for as long as they may, ends the others, and frees the port. Clients that
     * do not read are not waited for.
     */
    @Override
    public synchronized void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        try {
            stopListening();
        } finally {
            await(vertx.close(), PATIENCE);
        }
    }

    private void stopListening() throws IOException {
        CompletableFuture<Void> idle = new CompletableFuture<>();
        context.runOnContext(now -> calls.close(() -> idle.complete(null)));
        if (!isDone(idle, config.shutdownTimeout())) {
            context.runOnContext(now -> calls.abort());
        }
        isDone(server.shutdown(LAST_WORDS).toCompletionStage().toCompletableFuture(), LAST_WORDS.plusMillis(500));
    }

    private static boolean isDone(CompletableFuture<Void> idle, Duration patience) throws IOException {
        try {
            idle.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException | InterruptedException e) {
            throw failure(e);
        }
    }

    private static void await(Future<?> future, Duration patience) throws IOException {
        try {
            future.toCompletionStage().toCompletableFuture().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException | InterruptedException e) {
            throw failure(e);
        }
    }

    private static IOException failure(Exception e) {
        if (e instanceof InterruptedException) {
            Thread.currentThread().interrupt();
        }
        return e.getCause() instanceof IOException io ? io : new IOException(e.toString(), e);
    }
}

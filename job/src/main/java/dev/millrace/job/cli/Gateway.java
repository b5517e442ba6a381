package dev.millrace.job.cli;

import dev.millrace.gateway.Generations;
import dev.millrace.gateway.http.GatewayConfig;
import dev.millrace.gateway.http.GatewayServer;
import dev.millrace.gateway.topic.TopicGenerations;
import dev.millrace.gateway.topic.TopicsConfig;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.io.IOException;
import java.net.URI;

/** An HTTP server and its way through the topics, which go together. */
final class Gateway implements AutoCloseable {

    private final Generations generations;
    private final GatewayServer server;

    private Gateway(Generations generations, GatewayServer server) {
        this.generations = generations;
        this.server = server;
    }

    /**
     * Starts to listen.
     *
     * @param chatTemplate text of the template that replaces the model's, or null
     * @throws IOException if the port cannot be had
     * @throws dev.millrace.model.InvalidInputException if a certificate or key cannot be used
     */
    static Gateway open(TopicsConfig topics, GatewayConfig http, ModelDirectory model, String chatTemplate)
            throws IOException {
        DjlTokenizer tokenizer = model.tokenizer();
        Generations generations = TopicGenerations.open(topics);
        try {
            var server = GatewayServer.start(http, generations, tokenizer, model.chatRenderer(tokenizer, chatTemplate));
            return new Gateway(generations, server);
        } catch (IOException | RuntimeException e) {
            generations.close();
            throw e;
        }
    }

    /** What clients are told as their base URL. */
    URI url() {
        return server.url();
    }

    /** Whether the job behind it was heard of lately. */
    boolean isReady() {
        return generations.status().isAlive();
    }

    /** Takes no more calls and ends those under way, in their time. */
    @Override
    public synchronized void close() throws IOException {
        server.close();
        generations.close();
    }
}

package dev.millrace.gateway.topic;

import dev.millrace.gateway.Generation;
import dev.millrace.gateway.GenerationListener;
import dev.millrace.gateway.Generations;
import dev.millrace.gateway.ServerStatus;
import dev.millrace.gateway.TooManyRequestsException;
import dev.millrace.gateway.UnavailableException;
import dev.millrace.schemas.PromptRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * Has prompts answered through the topics. One thread sends and one reads; a restart of the job shows to a listener as a pause.
 * While Kafka is away requests fail, and later ones succeed again.
 */
public final class TopicGenerations implements Generations {

    private final TopicsConfig config;
    private final PendingRequests pending;
    private final StatusBoard board = new StatusBoard(System::nanoTime);
    private final Dispatch dispatch;
    private final EventReader reader;
    private final RequestSender sender;
    private volatile boolean closing;

    private TopicGenerations(TopicsConfig config) {
        this.config = config;
        this.pending = new PendingRequests(config.maxPending());
        this.dispatch = new Dispatch(pending, board, this::cancel);
        this.reader = new EventReader(config, dispatch);
        this.sender = new RequestSender(config, reader::reading);
    }

    /** Returns at once; what Kafka has to say about it, requests hear. */
    public static TopicGenerations open(TopicsConfig config) {
        TopicGenerations generations = new TopicGenerations(config);
        generations.reader.start();
        if (config.instance().isStable()) {
            generations.sender.cancelAllBefore(now());
        }
        return generations;
    }

    @Override
    public Generation submit(PromptRequest request, GenerationListener listener) throws TooManyRequestsException {
        if (closing) {
            throw new IllegalStateException("this instance stops and takes no further requests");
        }
        address(request);
        PendingRequest added = pending.add(request, listener);
        sender.send(request, added);
        return new Submitted(added);
    }

    private void address(PromptRequest request) {
        request.setReplyTo(config.instance().id());
        if (request.getCreatedAt() == null) {
            request.setCreatedAt(now());
        }
        if (request.getDeadline() == null && config.timeout() != null) {
            request.setDeadline(now().plus(config.timeout()));
        }
    }

    @Override
    public int pending() {
        return pending.size();
    }

    @Override
    public int maxPending() {
        return config.maxPending();
    }

    @Override
    public ServerStatus status() {
        return board.status();
    }

    @Override
    public boolean drain(Duration patience) throws InterruptedException {
        closing = true;
        return pending.awaitNone(patience);
    }

    @Override
    public void close() {
        closing = true;
        var stop = new UnavailableException("this instance stops", null);
        dispatch.failAll(request -> stop);
        reader.close();
        sender.close();
    }

    private void cancel(PendingRequest request) {
        sender.cancel(request);
    }

    private static Instant now() {
        return Instant.now().truncatedTo(ChronoUnit.MILLIS);
    }

    private final class Submitted implements Generation {

        private final PendingRequest request;

        Submitted(PendingRequest request) {
            this.request = request;
        }

        @Override
        public String requestId() {
            return request.id();
        }

        @Override
        public void cancel() {
            if (request.tryEnd()) {
                sender.cancel(request);
            }
        }
    }
}

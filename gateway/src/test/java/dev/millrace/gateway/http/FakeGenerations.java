package dev.millrace.gateway.http;

import dev.millrace.gateway.Generation;
import dev.millrace.gateway.GenerationListener;
import dev.millrace.gateway.Generations;
import dev.millrace.gateway.ServerStatus;
import dev.millrace.gateway.TooManyRequestsException;
import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.TokenLogprob;
import dev.millrace.schemas.Usage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Takes requests in and leaves it to the test what becomes of them. */
final class FakeGenerations implements Generations {

    static final int PATIENCE_SECONDS = 60;

    private final BlockingQueue<Submitted> submitted = new LinkedBlockingQueue<>();
    volatile ServerStatus status = alive();
    volatile int room = Integer.MAX_VALUE;
    volatile int most = Integer.MAX_VALUE;
    volatile RuntimeException failure;

    static ServerStatus alive() {
        EngineStatus engine = EngineStatus.newBuilder()
                .setSubtask(0)
                .setParallelism(1)
                .setVersion("1")
                .setModelNames(List.of("demo-vl", "other-name"))
                .setModelPath("/models/demo-vl")
                .setMaxModelLen(1024)
                .setMaxLogprobs(20)
                .setUnfinished(3)
                .setRunning(2)
                .setWaiting(1)
                .setKvCacheUsage(0.25)
                .setCounters(Map.of("prompt_tokens", 77L))
                .setAt(Instant.EPOCH)
                .build();
        return new ServerStatus(List.of(engine), engine);
    }

    @Override
    public synchronized Generation submit(PromptRequest request, GenerationListener listener)
            throws TooManyRequestsException {
        if (failure != null) {
            throw failure;
        }
        if (room == 0) {
            throw new TooManyRequestsException(7);
        }
        room--;
        Submitted generation = new Submitted(request, listener);
        submitted.add(generation);
        return generation;
    }

    /** The next request that came. */
    Submitted take() throws InterruptedException {
        Submitted next = submitted.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (next == null) {
            throw new AssertionError("no request came");
        }
        return next;
    }

    boolean nothingCame() {
        return submitted.isEmpty();
    }

    @Override
    public int pending() {
        return 0;
    }

    @Override
    public int maxPending() {
        return most;
    }

    @Override
    public ServerStatus status() {
        return status;
    }

    @Override
    public boolean drain(Duration patience) {
        return true;
    }

    @Override
    public void close() {}

    /** A request, and what the test has it answered with. */
    static final class Submitted implements Generation {

        final PromptRequest request;
        private final GenerationListener listener;
        private final CompletableFuture<Void> cancelled = new CompletableFuture<>();
        private final Map<Integer, Integer> positions = new java.util.HashMap<>();

        Submitted(PromptRequest request, GenerationListener listener) {
            this.request = request;
            this.listener = listener;
        }

        @Override
        public String requestId() {
            return request.getRequestId();
        }

        @Override
        public void cancel() {
            cancelled.complete(null);
        }

        void awaitCancel() throws ExecutionException, InterruptedException, TimeoutException {
            cancelled.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }

        boolean isCancelled() {
            return cancelled.isDone();
        }

        /** One token. */
        Submitted token(int choice, int id, String text) {
            return event(tokens(choice, id, text).build());
        }

        /** The last token. */
        Submitted last(int choice, int id, String text, FinishReason reason, Object stopReason) {
            return event(tokens(choice, id, text)
                    .setFinishReason(reason)
                    .setStopReason(stopReason)
                    .build());
        }

        /** One token with candidates, each of which is its id, text and log-probability. */
        Submitted scored(int choice, TokenLogprob chosen, TokenLogprob... top) {
            return event(tokens(choice, chosen.getTokenId(), chosen.getText())
                    .setLogprobs(List.of(new PositionLogprobs(chosen, List.of(top))))
                    .build());
        }

        TokenEvent.Builder tokens(int choice, int id, String text) {
            int position = positions.merge(choice, 1, Integer::sum) - 1;
            return TokenEvent.newBuilder()
                    .setRequestId(requestId())
                    .setChoice(choice)
                    .setFirstPosition(position)
                    .setTokenIds(List.of(id))
                    .setText(List.of(text))
                    .setEmittedAt(Instant.EPOCH);
        }

        Submitted event(TokenEvent event) {
            listener.onEvent(event);
            return this;
        }

        Submitted diverged(int choice, String message) {
            listener.onDiverged(choice, new EventError("replay_diverged", message, null));
            return this;
        }

        /** Refuses or ends the request as the job does. */
        void error(String code, String message, String param) {
            event(TokenEvent.newBuilder()
                    .setRequestId(requestId())
                    .setFinishReason(FinishReason.ERROR)
                    .setError(new EventError(code, message, param))
                    .setEmittedAt(Instant.EPOCH)
                    .build());
            listener.onEnd(null);
        }

        void failure(Throwable cause) {
            listener.onFailure(cause);
        }

        void end(int promptTokens, int completionTokens) {
            listener.onEnd(new Usage(promptTokens, completionTokens, 3));
        }

        /** A whole answer of one choice. */
        void answer(String... texts) {
            List<String> left = new ArrayList<>(List.of(texts));
            while (left.size() > 1) {
                token(0, 10 + texts.length - left.size(), left.remove(0));
            }
            last(0, 9 + texts.length, left.get(0), FinishReason.STOP, null);
            end(5, texts.length);
        }
    }
}

package dev.millrace.bench.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;

/**
 * Reads the chunks of one streamed answer, line by line of its server-sent events as they come. Written to by one thread, may be
 * asked by others.
 */
public abstract class ChunkReader implements Subscriber<String> {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DATA = "data:";
    private static final String DONE = "[DONE]";

    private boolean done;
    private String error;

    /** A chunk that is no error's. */
    protected abstract void accept(JsonNode chunk);

    @Override
    public final void onSubscribe(Subscription subscription) {
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public final synchronized void onNext(String line) {
        if (!line.startsWith(DATA) || error != null) {
            return; // an event's end, a comment that keeps the connection open, or of no more interest
        }
        String data = line.substring(DATA.length()).strip();
        if (data.equals(DONE)) {
            done = true;
            return;
        }
        try {
            JsonNode chunk = JSON.readTree(data);
            if (chunk.has("error")) {
                fail(ServerError.message(chunk));
            } else {
                accept(chunk);
            }
        } catch (JsonProcessingException e) {
            fail("a chunk is not JSON: " + data);
        }
    }

    @Override
    public final synchronized void onError(Throwable failure) {
        fail("the connection failed: " + failure.getMessage());
    }

    /** Whoever asks for the outcome sees whether the end had come. */
    @Override
    public synchronized void onComplete() {}

    /** Notes why the stream failed; the first reason stays. */
    public final synchronized void fail(String reason) {
        error = error == null ? reason : error;
    }

    /** Whether the stream's own end came. */
    protected final synchronized boolean isDone() {
        return done;
    }

    /** Why the stream failed, or null. */
    protected final synchronized String error() {
        return error;
    }
}

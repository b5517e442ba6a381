package dev.millrace.bench.recovery;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;

/** Reads one streamed answer, and notes when its chunks came. Written to by one thread, asked by others. */
final class ClientStream implements Subscriber<String> {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DATA = "data:";
    private static final String DONE = "[DONE]";

    private final List<Integer> tokens = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private final List<Long> arrivals = new ArrayList<>();
    private String id;
    private int divergedAt;
    private boolean finished;
    private boolean ended;
    private String error;

    @Override
    public void onSubscribe(Subscription subscription) {
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public synchronized void onNext(String line) {
        if (!line.startsWith(DATA)) {
            return;
        }
        String data = line.substring(DATA.length()).strip();
        if (data.equals(DONE)) {
            ended = true;
            return;
        }
        try {
            accept(JSON.readTree(data));
        } catch (JsonProcessingException e) {
            fail("a chunk is not JSON: " + data);
        }
    }

    private void accept(JsonNode chunk) {
        if (chunk.has("error")) {
            fail(chunk.path("error").toString());
            return;
        }
        id = chunk.path("id").asText();
        JsonNode choice = chunk.path("choices").path(0);
        if (choice.has("replay_diverged")) {
            divergedAt = tokens.size();
        }
        if (!choice.path("token_ids").isEmpty()) {
            arrivals.add(System.nanoTime());
        }
        choice.path("token_ids").forEach(token -> tokens.add(token.asInt()));
        text.append(choice.path("delta").path("content").asText(""));
        finished |= choice.hasNonNull("finish_reason");
    }

    @Override
    public synchronized void onError(Throwable failure) {
        fail("the connection failed: " + failure);
    }

    @Override
    public synchronized void onComplete() {
        if (!ended || !finished) {
            fail("the stream ended before its answer");
        }
    }

    /** Notes that nothing more can be expected. */
    synchronized void fail(String message) {
        error = error == null ? message : error;
        ended = true;
    }

    synchronized boolean hasEnded() {
        return ended;
    }

    synchronized int numTokens() {
        return tokens.size();
    }

    /** What was heard by now. */
    synchronized Heard heard() {
        return new Heard(id, List.copyOf(tokens), text.toString(), divergedAt, error, List.copyOf(arrivals));
    }

    /**
     * What a client heard.
     *
     * @param id of the answer
     * @param divergedAt tokens heard before the last notice that a replay went another way; 0 if there was none
     * @param error why the stream failed, or null
     * @param arrivals when tokens came, by {@link System#nanoTime}
     */
    record Heard(String id, List<Integer> tokens, String text, int divergedAt, String error, List<Long> arrivals) {

        boolean diverged() {
            return divergedAt > 0;
        }

        /** The longest silence that ended within this time, in nanoseconds; 0 if no token came then. */
        long longestPause(long after, long until) {
            long longest = 0;
            for (int i = 1; i < arrivals.size(); i++) {
                if (arrivals.get(i) - after > 0 && arrivals.get(i) - until <= 0) {
                    longest = Math.max(longest, arrivals.get(i) - arrivals.get(i - 1));
                }
            }
            return longest;
        }
    }
}

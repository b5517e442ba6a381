package dev.millrace.bench.recovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.bench.serve.ChunkReader;
import java.util.ArrayList;
import java.util.List;

/** Reads one streamed answer, and notes when its chunks came. Written to by one thread, asked by others. */
final class ClientStream extends ChunkReader {

    private final List<Integer> tokens = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private final List<Long> arrivals = new ArrayList<>();
    private String id;
    private int divergedAt;
    private boolean finished;

    @Override
    protected void accept(JsonNode chunk) {
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
    public synchronized void onComplete() {
        if (!isDone() || !finished) {
            fail("the stream ended before its answer");
        }
    }

    synchronized boolean hasEnded() {
        return isDone() || error() != null;
    }

    synchronized int numTokens() {
        return tokens.size();
    }

    /** What was heard by now. */
    synchronized Heard heard() {
        return new Heard(id, List.copyOf(tokens), text.toString(), divergedAt, error(), List.copyOf(arrivals));
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

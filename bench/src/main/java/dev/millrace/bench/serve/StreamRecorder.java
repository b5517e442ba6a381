package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.DoubleStream;

/** Reads one streamed answer and notes when each of its chunks came. */
final class StreamRecorder extends ChunkReader {

    private final Backend backend;
    private final LoadRequest request;
    private final Stopwatch clock;
    private final double start;
    private final double queued;
    private final StringBuilder text = new StringBuilder();
    private final DoubleStream.Builder interTokenLatencies = DoubleStream.builder();
    private String responseId;
    private int promptTokens;
    private int outputTokens;
    private double first = -1;
    private double last;

    /**
     * @param start when the request was sent
     * @param queued for how long it had waited then, in seconds
     */
    StreamRecorder(Backend backend, LoadRequest request, Stopwatch clock, double start, double queued) {
        this.backend = backend;
        this.request = request;
        this.clock = clock;
        this.start = start;
        this.queued = queued;
        this.promptTokens = request.promptLen();
    }

    /** What came of the request; asked for once the stream has ended. */
    Outcome outcome() {
        String failure = failure();
        return failure != null
                ? Outcome.failed(request, start, queued, failure)
                : new Outcome(
                        text.toString(),
                        promptTokens,
                        outputTokens,
                        start,
                        queued,
                        first - start,
                        interTokenLatencies.build().toArray(),
                        last - start,
                        null);
    }

    private String failure() {
        if (error() != null) {
            return error();
        }
        if (!isDone()) {
            return "the stream ended before [DONE]";
        }
        if (first < 0) {
            return "no chunk held a choice";
        }
        if (request.answer() != null && !request.answer().contentEquals(text)) {
            return "the answer is \"%s\"; expected is \"%s\"".formatted(text, request.answer());
        }
        return null;
    }

    @Override
    protected void accept(JsonNode chunk) {
        checkId(chunk.path("id").asText());
        JsonNode choice = chunk.path("choices").path(0);
        if (!choice.isMissingNode()) {
            note(clock.seconds());
            text.append(backend.text(choice));
        }
        JsonNode usage = chunk.path("usage");
        promptTokens = usage.path("prompt_tokens").asInt(promptTokens);
        outputTokens = usage.path("completion_tokens").asInt(outputTokens);
    }

    /** Every chunk of an answer has the same id; another one belongs to somebody else. */
    private void checkId(String id) {
        if (responseId != null && !responseId.equals(id)) {
            fail("a chunk of %s came in the stream of %s".formatted(id, responseId));
        }
        responseId = id;
    }

    private void note(double now) {
        if (first < 0) {
            first = now;
        } else {
            interTokenLatencies.add(now - last);
        }
        last = now;
    }
}

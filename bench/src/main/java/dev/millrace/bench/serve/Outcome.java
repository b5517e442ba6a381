package dev.millrace.bench.serve;

/**
 * What came of a request. Times are in seconds.
 *
 * @param promptTokens as the server counts them, else as the data set does
 * @param outputTokens as the server counts them; nought where it does not say
 * @param start when it was sent, counted from the start of the run
 * @param queued how long it waited here for others to end ({@code --max-concurrency})
 * @param ttft from sending it to the first chunk
 * @param interTokenLatencies from each chunk to the next
 * @param latency from sending it to the last chunk
 * @param error why it failed; null where it did not
 */
record Outcome(
        String text,
        int promptTokens,
        int outputTokens,
        double start,
        double queued,
        double ttft,
        double[] interTokenLatencies,
        double latency,
        String error) {

    private static final double[] NONE = {};

    static Outcome failed(LoadRequest request, double start, double queued, String error) {
        return new Outcome("", request.promptLen(), 0, start, queued, 0, NONE, 0, error);
    }

    boolean success() {
        return error == null;
    }

    double end() {
        return start + latency;
    }

    /** Seconds for each output token after the first; nought where there is but one. */
    double timePerOutputToken() {
        return outputTokens > 1 ? (latency - ttft) / (outputTokens - 1) : 0;
    }

    Outcome withOutputTokens(int tokens) {
        return new Outcome(text, promptTokens, tokens, start, queued, ttft, interTokenLatencies, latency, error);
    }
}

package dev.millrace.job.demo;

import dev.millrace.schemas.FinishReason;

/** How far one answer is, as a reader of its events sees it. Times in nanoseconds of {@link System#nanoTime()}. */
final class AnswerProgress {

    private final SamplePrompt prompt;
    private final long submitted = System.nanoTime();
    private long first;
    private long last;
    private int tokens;
    private FinishReason finish;
    private String error;

    /** Of a prompt that was submitted now. */
    AnswerProgress(SamplePrompt prompt) {
        this.prompt = prompt;
    }

    /** Some tokens came now. */
    void add(int count) {
        if (count > 0) {
            last = System.nanoTime();
            first = tokens == 0 ? last : first;
            tokens += count;
        }
    }

    /** The answer ended; {@code error} says why it failed, or is null. */
    void finish(FinishReason reason, String why) {
        finish = reason;
        error = why;
    }

    /** The answer cannot be trusted any more. */
    void fail(String why) {
        finish = FinishReason.ERROR;
        error = why;
    }

    SamplePrompt prompt() {
        return prompt;
    }

    int tokens() {
        return tokens;
    }

    boolean isFinished() {
        return finish != null;
    }

    /** Whether it ended as answers should: by itself or at its length. */
    boolean isComplete() {
        return finish == FinishReason.STOP || finish == FinishReason.LENGTH;
    }

    String outcome() {
        return finish == null ? "unfinished" : error == null ? finish.name().toLowerCase(java.util.Locale.ROOT) : error;
    }

    double secondsToFirstToken() {
        return tokens == 0 ? Double.NaN : (first - submitted) / 1e9;
    }

    /** After the first; NaN where there is no second. */
    double tokensPerSecond() {
        return tokens < 2 || last == first ? Double.NaN : (tokens - 1) / ((last - first) / 1e9);
    }
}

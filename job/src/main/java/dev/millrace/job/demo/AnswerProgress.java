package dev.millrace.job.demo;

import dev.millrace.schemas.FinishReason;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** How far one answer is, by the events that came. */
final class AnswerProgress {

    private final SamplePrompt prompt;
    private final Instant submitted = Instant.now();
    private Instant first;
    private Instant last;
    private int tokens;
    private FinishReason finish;
    private String error;

    /** Of a prompt that was submitted now. */
    AnswerProgress(SamplePrompt prompt) {
        this.prompt = prompt;
    }

    /** Some tokens came, which were made at that time. */
    void add(int count, Instant time) {
        if (count > 0) {
            last = time;
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
        return finish == null ? "unfinished" : error == null ? finish.name().toLowerCase(Locale.ROOT) : error;
    }

    /** NaN where there is none. */
    double secondsToFirstToken() {
        return tokens == 0 ? Double.NaN : seconds(submitted, first);
    }

    /** After the first; NaN where there is no second. */
    double tokensPerSecond() {
        return tokens < 2 || last.equals(first) ? Double.NaN : (tokens - 1) / seconds(first, last);
    }

    private static double seconds(Instant from, Instant to) {
        return Duration.between(from, to).toNanos() / 1e9;
    }
}

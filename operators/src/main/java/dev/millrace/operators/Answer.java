package dev.millrace.operators;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.operators.sequence.Sequence;
import dev.millrace.operators.state.RequestSnapshot.ChoiceSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.schemas.Usage;
import java.time.Instant;
import java.util.List;

/** A prepared request's answer: its sequence in the engine and what that does not know. */
final class Answer {

    private static final int[] NO_TOKENS = {};
    private static final ChoiceSnapshot NOTHING = new ChoiceSnapshot(NO_TOKENS, 0, null, 0, null, 0);

    private final PreparedRequest prepared;
    private final Sequence sequence;
    private final ChoiceSnapshot before;

    private double cumulativeLogprob;
    private Instant scheduledAt;
    private long lastTokenNanos;

    /**
     * @param before how far the answer was when it was restored, or null for a new one
     */
    Answer(TrackedRequest request, PreparedRequest prepared, ChoiceSnapshot before) {
        this.prepared = prepared;
        this.before = before == null ? NOTHING : before;
        this.cumulativeLogprob = this.before.cumulativeLogprob();
        this.scheduledAt = this.before.scheduledAt();
        this.sequence = new Sequence(
                request.id(),
                0,
                request.arrival(),
                request.header().priority(),
                prepared.prompt(),
                prepared.params(),
                this.before.tokens(),
                this.before.emittedChars());
    }

    PreparedRequest prepared() {
        return prepared;
    }

    Sequence sequence() {
        return sequence;
    }

    /** Whether an earlier attempt had begun it. */
    boolean wasRestored() {
        return before != NOTHING;
    }

    /** When its first step was launched, by whichever attempt; null before. */
    Instant scheduledAt() {
        return scheduledAt;
    }

    long lastTokenNanos() {
        return lastTokenNanos;
    }

    /** Takes note of tokens that were handled. */
    void handled(List<SampleLogprobs> logprobs, long nowMillis, long nowNanos) {
        if (scheduledAt == null && sequence.timeline().firstScheduled() != 0) {
            long since = (nowNanos - sequence.timeline().firstScheduled()) / 1_000_000;
            scheduledAt = Instant.ofEpochMilli(nowMillis - since);
        }
        if (logprobs != null) {
            logprobs.forEach(token -> cumulativeLogprob += token.logprob());
        }
        lastTokenNanos = nowNanos;
    }

    Usage usage() {
        return new Usage(sequence.promptLength(), sequence.outputLength(), cachedTokens());
    }

    Prepared snapshot() {
        var choice = new ChoiceSnapshot(
                sequence.outputTokens(),
                sequence.emittedChars(),
                sequence.finish(),
                cumulativeLogprob,
                scheduledAt,
                cachedTokens());
        return new Prepared(
                prepared.params(),
                prepared.prompt().tokenIds(),
                prepared.mediaStarts(),
                prepared.media(),
                List.of(choice));
    }

    private int cachedTokens() {
        return before.scheduledAt() != null ? before.cachedTokens() : sequence.cachedTokens();
    }
}

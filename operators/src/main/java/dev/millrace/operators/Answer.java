package dev.millrace.operators;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.Hypothesis;
import dev.millrace.operators.sequence.Sequence;
import dev.millrace.operators.state.RequestSnapshot.ChoiceSnapshot;
import java.time.Instant;
import java.util.List;

/** One of a prepared request's answers: its sequence in the engine and what that does not know. */
final class Answer {

    private static final int[] NO_TOKENS = {};
    private static final ChoiceSnapshot NOTHING = new ChoiceSnapshot(NO_TOKENS, 0, null, 0, null, 0, 0);

    private final Sequence sequence;
    private final ChoiceSnapshot before;

    private double cumulativeLogprob;
    private Instant scheduledAt;
    private long lastTokenNanos;

    /**
     * @param choice which of the answers
     * @param before how far it was when it was restored, or null for a new one
     */
    Answer(TrackedRequest request, PreparedRequest prepared, int choice, ChoiceSnapshot before) {
        this.before = before == null ? NOTHING : before;
        this.cumulativeLogprob = this.before.cumulativeLogprob();
        this.scheduledAt = this.before.scheduledAt();
        this.sequence = new Sequence(
                request.id(),
                choice,
                request.arrival(),
                request.header().priority(),
                prepared.prompt(),
                prepared.params(),
                this.before.tokens(),
                this.before.emittedChars(),
                this.before.promptLogprobs());
        if (this.before.finish() == null) {
            sequence.bind(prepared.grammar());
        }
        sequence.completion().finish(this.before.finish());
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

    /** Takes note of when its first step was launched, now that one is done. */
    void scheduled(long nowMillis, long nowNanos) {
        if (scheduledAt == null && sequence.timeline().firstScheduled() != 0) {
            long since = (nowNanos - sequence.timeline().firstScheduled()) / 1_000_000;
            scheduledAt = Instant.ofEpochMilli(nowMillis - since);
        }
    }

    /** Takes note of tokens that were handled. */
    void handled(List<SampleLogprobs> logprobs, long nowMillis, long nowNanos) {
        scheduled(nowMillis, nowNanos);
        if (logprobs != null) {
            logprobs.forEach(token -> cumulativeLogprob += token.logprob());
        }
        lastTokenNanos = nowNanos;
    }

    ChoiceSnapshot snapshot() {
        return new ChoiceSnapshot(
                sequence.outputTokens(),
                sequence.completion().emittedChars(),
                sequence.completion().finish(),
                cumulativeLogprob,
                scheduledAt,
                cachedTokens(),
                sequence.promptScores().handled());
    }

    /** What a search for the answer has found. */
    ChoiceSnapshot snapshot(Hypothesis found) {
        FinishReason finish = found.ended() ? FinishReason.STOP : null;
        return new ChoiceSnapshot(found.tokens(), 0, finish, found.cumulativeLogprob(), scheduledAt, cachedTokens(), 0);
    }

    /** Prompt tokens that came from the prefix cache when it was first admitted, by whichever attempt. */
    int cachedTokens() {
        return before.scheduledAt() != null ? before.cachedTokens() : sequence.cachedTokens();
    }
}

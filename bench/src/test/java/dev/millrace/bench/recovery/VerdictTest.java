package dev.millrace.bench.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.bench.recovery.ClientStream.Heard;
import dev.millrace.bench.recovery.CommittedAnswers.Committed;
import dev.millrace.schemas.TokenEvent;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class VerdictTest {

    private static final int LENGTH = 4;

    @Test
    void whatWasHeardAsItWasCommittedHolds() {
        Verdict verdict = verdict(heard(0, 1, 2, 3, 4), event(0, 0, 1, 2), event(1, 2, 3, 4));

        assertThat(verdict).isEqualTo(new Verdict(0, 0, 0, 0, 1, 0, 0));
        assertThat(verdict.holds()).isTrue();
    }

    @Test
    void tokensThatAClientMissesOrHearsAgainAreCounted() {
        assertFails(verdict(heard(0, 1, 2, 3), event(0, 0, 1, 2, 3, 4)), new Verdict(0, 1, 0, 0, 0, 0, 1));
        assertFails(verdict(heard(0, 1, 2, 3, 4, 4), event(0, 0, 1, 2, 3, 4)), new Verdict(0, 0, 1, 0, 0, 0, 1));
        assertThat(verdict(heard(0, 1, 1, 2, 4), event(0, 0, 1, 2, 3, 4)).unreported())
                .as("one again, and one missing")
                .isEqualTo(3);
    }

    @Test
    void tokensThatWereCommittedTwiceOrNotAtAllAreCounted() {
        assertFails(
                verdict(heard(0, 1, 2, 3, 4), event(0, 0, 1, 2), event(1, 1, 2, 3, 4)),
                new Verdict(0, 0, 1, 1, 1, 0, 3));
        assertFails(verdict(heard(0, 1, 2, 3, 4), event(0, 0, 1, 2), event(1, 3, 4)), new Verdict(0, 1, 0, 1, 1, 0, 2));
        assertFails(verdict(heard(0, 1, 2, 3, 4)), new Verdict(0, 4, 0, 0, 0, 0, 1));
    }

    @Test
    void aReplayThatWentAnotherWayHoldsIfItWasToldAndIsCommittedFromThereOn() {
        TokenEvent[] committed = {event(0, 0, 1), event(1, 1, 7, 3, 4)};

        assertThat(verdict(heard(2, 1, 2, 3, 4), committed).holds()).isTrue();
        assertFails(verdict(heard(0, 1, 2, 3, 4), committed), new Verdict(0, 0, 0, 0, 1, 0, 2));
        assertFails(verdict(heard(2, 1, 2, 3, 5), committed), new Verdict(0, 0, 0, 0, 1, 1, 1));
    }

    @Test
    void aStreamThatFailedIsCounted() {
        Heard failed = new Heard("a", List.of(1, 2, 3, 4), " 1 2 3 4", 0, "HTTP 503", List.of());

        assertFails(verdict(failed, event(0, 0, 1, 2, 3, 4)), new Verdict(1, 0, 0, 0, 0, 0, 0));
    }

    private static void assertFails(Verdict verdict, Verdict expected) {
        assertThat(verdict).isEqualTo(expected);
        assertThat(verdict.holds()).isFalse();
    }

    private static Verdict verdict(Heard heard, TokenEvent... events) {
        var committed = new Committed();
        List.of(events).forEach(committed::accept);
        return Verdict.of(LENGTH, List.of(heard), Map.of("ab-0-1", new Committed(), "a-0-1", committed));
    }

    private static Heard heard(int divergedAt, Integer... tokens) {
        String text = List.of(tokens).stream().map(token -> " " + token).collect(Collectors.joining());
        return new Heard("a", List.of(tokens), text, divergedAt, null, List.of());
    }

    private static TokenEvent event(int attempt, int first, Integer... tokens) {
        return TokenEvent.newBuilder()
                .setRequestId("a-0-1")
                .setAttempt(attempt)
                .setEmittedAt(Instant.EPOCH)
                .setFirstPosition(first)
                .setTokenIds(List.of(tokens))
                .setText(List.of(tokens).stream().map(token -> " " + token).toList())
                .build();
    }
}

package dev.millrace.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.TokenEvent;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerAssemblerTest {

    private final AnswerAssembler assembler = new AnswerAssembler(2);

    @Test
    void replayedTokensAreTrimmed() {
        assertNew(event("a", 0, 1, 2), 1, 2);
        assertNew(event("a", 0, 1, 2));
        assertNew(event("a", 1, 2, 3, 4), 3, 4);
        AnswerUpdate update = assembler.accept(event("a", 4, 5));
        assertThat(update.newText()).isEqualTo("<5>");
    }

    @Test
    void answerEndsOnce() {
        TokenEvent last = TokenEvent.newBuilder(event("a", 0, 1))
                .setFinishReason(FinishReason.STOP)
                .build();
        assertThat(assembler.accept(last).finished()).isTrue();
        assertThat(assembler.accept(last).finished()).isFalse();
    }

    @Test
    void otherTokensThanBeforeAreReported() {
        assertNew(event("a", 0, 1, 2), 1, 2);
        AnswerUpdate update = assembler.accept(event("a", 1, 9, 3));
        assertThat(update.fault().getCode()).isEqualTo("replay_diverged");
        assertThat(update.newTokens()).isEmpty();
        assertNew(event("a", 2, 3), 3);
    }

    @Test
    void otherTextThanBeforeIsReported() {
        assertNew(event("a", 0, 1, 2), 1, 2);
        TokenEvent other = TokenEvent.newBuilder(event("a", 0, 1, 2))
                .setText(List.of("<1>", "!"))
                .build();
        assertThat(assembler.accept(other).fault().getCode()).isEqualTo("replay_diverged");
    }

    @Test
    void eventsThatWereNotSeenAreReported() {
        assertThat(assembler.accept(event("a", 3, 1)).fault().getCode()).isEqualTo("events_missing");
    }

    @Test
    void choicesAndRequestsAreApart() {
        assertNew(event("a", 0, 1), 1);
        assertNew(TokenEvent.newBuilder(event("a", 0, 7)).setChoice(1).build(), 7);
    }

    @Test
    void onlyTheLatestAnswersAreRemembered() {
        assertNew(event("a", 0, 1), 1);
        assertNew(event("b", 0, 1), 1);
        assertNew(event("c", 0, 1), 1);
        assertNew(event("a", 0, 1), 1);
    }

    private void assertNew(TokenEvent event, Integer... tokens) {
        AnswerUpdate update = assembler.accept(event);
        assertThat(update.fault()).isNull();
        assertThat(update.newTokens()).containsExactly(tokens);
    }

    private static TokenEvent event(String id, int first, Integer... tokens) {
        return TokenEvent.newBuilder()
                .setRequestId(id)
                .setFirstPosition(first)
                .setTokenIds(List.of(tokens))
                .setText(
                        List.of(tokens).stream().map(token -> "<" + token + ">").toList())
                .setTextStart(3 * first)
                .setEmittedAt(Instant.EPOCH)
                .build();
    }
}

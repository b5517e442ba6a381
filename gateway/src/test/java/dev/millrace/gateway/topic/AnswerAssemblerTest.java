package dev.millrace.gateway.topic;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.TokenLogprob;
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
        assertThat(update.newTokens()).as("what was not there before").containsExactly(3);
        assertNew(event("a", 3, 4), 4);
    }

    @Test
    void endOfAnAnswerThatCameOutOtherwiseIsHeard() {
        assertNew(event("a", 0, 1, 2, 3), 1, 2, 3);
        TokenEvent earlier = TokenEvent.newBuilder(event("a", 1, 9))
                .setFinishReason(FinishReason.STOP)
                .build();
        AnswerUpdate update = assembler.accept(earlier);
        assertThat(update.fault().getCode()).isEqualTo("replay_diverged");
        assertThat(update.event().getFinishReason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void whatIsTrimmedFitsBehindWhatWasHeard() {
        assertNew(event("a", 0, 1, 2), 1, 2);
        TokenEvent overlapping = TokenEvent.newBuilder(event("a", 1, 2, 3))
                .setLogprobs(List.of(logprobs(2), logprobs(3)))
                .build();
        TokenEvent trimmed = assembler.accept(overlapping).event();
        assertThat(trimmed.getFirstPosition()).isEqualTo(2);
        assertThat(trimmed.getTextStart()).isEqualTo(6);
        assertThat(trimmed.getText()).containsExactly("<3>");
        assertThat(trimmed.getLogprobs()).containsExactly(logprobs(3));
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

    @Test
    void whatWasSeenOfThePromptIsTrimmed() {
        TokenEvent first = prompt(1, List.of(logprobs(5), logprobs(6)), 0, "<4><5>");
        assertThat(assembler.accept(first).event()).isEqualTo(first);
        TokenEvent rest = assembler
                .accept(prompt(2, List.of(logprobs(6), logprobs(7)), 3, "<5><6>"))
                .event();
        assertThat(rest).isEqualTo(prompt(3, List.of(logprobs(7)), 6, "<6>"));
        assertThat(assembler.accept(first).isNews()).isFalse();
        assertThat(assembler.accept(rest).isNews()).isFalse();
        assertNew(event("a", 0, 1), 1);
    }

    @Test
    void piecesOfThePromptThatWereNotSeenAreReported() {
        AnswerUpdate update = assembler.accept(prompt(3, List.of(logprobs(7)), 0, "<4>"));
        assertThat(update.fault().getCode()).isEqualTo("events_missing");
    }

    private static TokenEvent prompt(int position, List<PositionLogprobs> logprobs, int character, String text) {
        return TokenEvent.newBuilder(event("a", 0))
                .setPromptLogprobsStart(position)
                .setPromptLogprobs(logprobs)
                .setPromptTextStart(character)
                .setPromptText(text)
                .build();
    }

    private static PositionLogprobs logprobs(int token) {
        return new PositionLogprobs(new TokenLogprob(token, "<" + token + ">", -1f, 1), List.of());
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

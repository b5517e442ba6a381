package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.operators.Cancel.Target;
import dev.millrace.operators.state.RequestHeader;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.time.Instant;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests that are given up, and what a subtask says of itself. The records' time is 1,000 ms. */
@Timeout(60)
class ControlTest {

    private static final Instant LONG_AGO = Instant.ofEpochMilli(1_500);
    private static final Instant LATER = Instant.ofEpochMilli(1_000_000);

    @Test
    void requestThatIsGivenUpEndsWithAllItsAnswersAndFreesItsBlocks() throws Exception {
        PromptRequest request = Requests.prompt("a", "Describe the picture", 300);
        request.getSampling().setTemperature(1.0);
        assertEndsWithBothAnswers(request);
    }

    @Test
    void searchThatIsGivenUpEndsWithAllItsAnswersAndFreesItsBlocks() throws Exception {
        PromptRequest request = Requests.prompt("a", "Describe the picture", 300);
        request.getSampling().setUseBeamSearch(true);
        assertEndsWithBothAnswers(request);
    }

    private static void assertEndsWithBothAnswers(PromptRequest request) throws Exception {
        request.getSampling().setN(2);
        try (var operator = open(null)) {
            operator.send(request);
            operator.runUntilPrepared();
            operator.executor().allow(20);
            operator.runUntil(() -> operator.executor().computed() >= 5);
            assertThat(status(operator, 7_000).getKvCacheUsage()).isPositive();
            ControlLine.opened().cancel("a", 6_000);
            operator.executor().allow(100_000);
            operator.runUntil(() -> operator.queued() == 0);
            assertThat(operator.events().stream().filter(event -> event.getFinishReason() == FinishReason.ABORT))
                    .extracting(TokenEvent::getChoice)
                    .containsExactlyInAnyOrder(0, 1);
            assertThat(operator.events())
                    .filteredOn(event -> event.getUsage() != null)
                    .hasSize(1);
            operator.send(Requests.prompt("b", "Describe the circle", 5));
            operator.runToEnd("b");
            EngineStatus after = status(operator, 9_000);
            assertThat(after.getRunning() + after.getWaiting() + after.getUnfinished())
                    .isZero();
            assertThat(after.getKvCacheUsage()).isZero();
        }
    }

    @Test
    void requestThatIsGivenUpBeforeItIsPreparedEndsAtOnce() throws Exception {
        try (var operator = open(null)) {
            operator.send(Requests.prompt("a", "Describe the picture", 300));
            ControlLine.opened().cancel("a", 6_000);
            operator.runUntil(() -> operator.queued() == 0);
            TokenEvent only = operator.events().get(0);
            assertThat(only.getFinishReason()).isEqualTo(FinishReason.ABORT);
            assertThat(only.getUsage().getCompletionTokens()).isZero();
            operator.send(Requests.prompt("b", "Describe the circle", 5));
            operator.runToEnd("b");
            assertThat(operator.events().stream()
                            .filter(event -> event.getRequestId().equals("a")))
                    .hasSize(1);
        }
    }

    @Test
    void cancelThatComesBeforeItsRequestIsHonoured() throws Exception {
        try (var operator = open(null)) {
            ControlLine.opened().cancel("a", 1_000);
            operator.send(Requests.prompt("b", "the mail comes first", 1));
            operator.runToEnd("b");
            operator.send(Requests.prompt("a", "Describe the picture", 300));
            assertThat(operator.answers().last("a").getFinishReason()).isEqualTo(FinishReason.ABORT);
            assertThat(operator.queued()).isZero();
        }
    }

    @Test
    void cancelOfAnEarlierRequestDoesNotConcernALaterOneOfItsName() throws Exception {
        try (var operator = open(null)) {
            operator.send(Requests.prompt("a", "Describe the picture", 3));
            operator.runToEnd("a");
            ControlLine.opened().cancel("a", 999);
            ControlLine.opened().cancel("a", 999);
            operator.send(Requests.prompt("a", "Describe the circle", 4));
            operator.runUntil(() -> operator.queued() == 0);
            assertThat(operator.events())
                    .hasSize(3 + 4)
                    .last()
                    .extracting(TokenEvent::getFinishReason)
                    .isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void readerThatIsGoneGivesUpAllItAskedFor() throws Exception {
        try (var operator = open(null)) {
            operator.send(from("gone", "a"));
            operator.send(from("here", "b"));
            operator.runUntilPrepared();
            operator.send(from("gone", "c"));
            ControlLine.opened().cancel(new Cancel(Target.READER, "gone", LONG_AGO, LATER));
            operator.runToEnd("a", "b", "c");
            operator.send(from("gone", "d"));
            assertThat(List.of("a", "c", "d"))
                    .allMatch(id -> operator.answers().last(id).getFinishReason() == FinishReason.ABORT);
            assertThat(operator.answers().last("b").getFinishReason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void restoredRequestIsGivenUpByACancelThatIsHeardAgain() throws Exception {
        OperatorSubtaskState state;
        try (var operator = open(null)) {
            operator.send(Requests.prompt("a", "Describe the picture", 300));
            operator.runUntilPrepared();
            state = operator.snapshot();
        }
        try (var operator = open(state)) {
            ControlLine.opened().cancel(new Cancel(Target.REQUEST, "a", LONG_AGO, LONG_AGO));
            operator.runUntil(() -> operator.queued() == 0);
            assertThat(operator.answers().last("a").getFinishReason()).isEqualTo(FinishReason.ABORT);
        }
    }

    @Test
    void subtaskSaysOnceASecondHowItIs() throws Exception {
        try (var operator = open(null)) {
            operator.send(Requests.prompt("a", "Describe the picture", 300));
            operator.runUntilPrepared();
            EngineStatus status = status(operator, 6_000);
            assertThat(status.getModelNames()).containsExactly("demo-vl");
            assertThat(status.getMaxModelLen()).isEqualTo(512);
            assertThat(status.getMaxLogprobs()).isEqualTo(20);
            assertThat(status.getMediaLimits()).containsEntry("image", 999);
            assertThat(status.getUnfinished()).isEqualTo(1);
            assertThat(status.getRunning()).isEqualTo(1);
            assertThat(status.getCounters()).containsKey("prompt_tokens");
            assertThat(status.getParallelism()).isEqualTo(1);
            int words = ControlLine.opened().words.size();
            operator.harness().setProcessingTime(6_999);
            assertThat(ControlLine.opened().words).hasSize(words);
            operator.harness().setProcessingTime(7_000);
            assertThat(ControlLine.opened().words).hasSize(words + 1);
        }
    }

    @Test
    void cancelsAreRememberedUntilTheyExpireAndTheLatestOnly() {
        Cancels cancels = new Cancels();
        cancels.remember(new Cancel(Target.REQUEST, "first", LONG_AGO, LATER));
        assertThat(cancels.cover(tracked("first"), LONG_AGO)).isTrue();
        assertThat(cancels.cover(tracked("first"), LATER)).isFalse();
        assertThat(cancels.cover(tracked("other"), LONG_AGO)).isFalse();
        for (int i = 0; i < Cancels.MOST; i++) {
            cancels.remember(new Cancel(Target.REQUEST, "r" + i, LONG_AGO, LATER));
        }
        assertThat(cancels.cover(tracked("first"), LONG_AGO)).isFalse();
        assertThat(cancels.cover(tracked("r0"), LONG_AGO)).isTrue();
    }

    private static OperatorFixture open(OperatorSubtaskState state) throws Exception {
        var operator = OperatorFixture.open(ControlLine.factory(), state);
        operator.harness().setProcessingTime(5_000);
        return operator;
    }

    /** What it says when the time has come. */
    private static EngineStatus status(OperatorFixture operator, long time) throws Exception {
        operator.harness().setProcessingTime(time);
        List<EngineStatus> words = ControlLine.opened().words;
        return words.get(words.size() - 1);
    }

    private static PromptRequest from(String reader, String id) {
        PromptRequest request = Requests.prompt(id, "Describe the picture", 3);
        request.setReplyTo(reader);
        return request;
    }

    private static TrackedRequest tracked(String id) {
        PromptRequest request = Requests.prompt(id, "a", 1);
        var header = RequestHeader.of(Requests.inbound(request));
        return new TrackedRequest(header, 0, LATER, 0, new Unprepared(request));
    }
}

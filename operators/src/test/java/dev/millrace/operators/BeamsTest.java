package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.time.Instant;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The answers of a beam search come when it is over. */
@Timeout(60)
class BeamsTest {

    private static final int BEAMS = 3;
    private static final int TOKENS = 100;

    @Test
    void answersComeOnceTheSearchIsOverInEventsOfAFewTokens() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.send(request());
            operator.executor().allow(20);
            operator.runUntil(() -> operator.executor().computed() == 20);
            assertThat(operator.events()).isEmpty();
            Answers answers = operator.runToEnd("a").answers(); // checks positions, and that nothing follows an end
            for (int choice = 0; choice < BEAMS; choice++) {
                String name = Answers.choice("a", choice);
                assertThat(answers.tokens(name)).hasSize(TOKENS);
                assertThat(answers.last(name).getFinishReason()).isEqualTo(FinishReason.LENGTH);
            }
            assertThat(operator.events())
                    .allSatisfy(event -> assertThat(event.getTokenIds().size()).isBetween(1, 64));
            TokenEvent last = operator.events().get(operator.events().size() - 1);
            assertThat(last.getUsage().getCompletionTokens()).isEqualTo(BEAMS * TOKENS);
            assertThat(last.getScheduledAt()).isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 99})
    void aRestoredSearchGivesTheSameAnswers(int steps) throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.send(request());
            Answers undisturbed = operator.runToEnd("a").answers();
            assertThat(restored(request(), steps, TOKENS - steps)).isEqualTo(undisturbed.texts());
        }
    }

    @Test
    void aRestoredSearchWithLogprobsStartsAnew() throws Exception {
        PromptRequest request = request();
        request.getSampling().setLogprobs(2);
        try (var operator = OperatorFixture.open()) {
            operator.send(request);
            Answers undisturbed = operator.runToEnd("a").answers();
            assertThat(restored(request, 17, TOKENS)).isEqualTo(undisturbed.texts());
            List<PositionLogprobs> logprobs = operator.events().get(0).getLogprobs();
            assertThat(logprobs)
                    .hasSameSizeAs(operator.events().get(0).getTokenIds())
                    .allSatisfy(position -> assertThat(position.getTop()).hasSize(2));
        }
    }

    @Test
    void aDeadlineEndsEveryAnswer() throws Exception {
        try (var operator = OperatorFixture.open()) {
            PromptRequest request = request();
            request.setDeadline(Instant.ofEpochMilli(2_000));
            operator.send(request);
            operator.executor().allow(9);
            operator.runUntil(() -> operator.executor().computed() == 9);
            operator.harness().setProcessingTime(2_000);
            operator.runUntil(() -> operator.queued() == 0);
            for (int choice = 0; choice < BEAMS; choice++) {
                TokenEvent end = operator.answers().last(Answers.choice("a", choice));
                assertThat(end.getError().getCode()).isEqualTo("deadline_exceeded_error");
            }
        }
    }

    /** The texts after a restart in the middle, behind which so many steps are taken. */
    private static Object restored(PromptRequest request, int steps, int stepsAfter) throws Exception {
        OperatorSubtaskState state;
        try (var operator = OperatorFixture.open()) {
            operator.send(request);
            operator.executor().allow(steps);
            operator.runUntil(() -> operator.executor().computed() == steps);
            assertThat(operator.events()).isEmpty();
            state = operator.snapshot();
        }
        try (var operator = OperatorFixture.restore(state, 1, 1, 0)) {
            Answers answers = operator.runToEnd("a").answers();
            assertThat(operator.executor().computed())
                    .as("one step may be lost, and the beams' tokens take some")
                    .isBetween(stepsAfter, stepsAfter + 4);
            return answers.texts();
        }
    }

    private static PromptRequest request() {
        PromptRequest request = Requests.prompt("a", "What is in the picture?", TOKENS);
        request.getSampling().setUseBeamSearch(true);
        request.getSampling().setN(BEAMS);
        request.getSampling().setIgnoreEos(true);
        return request;
    }
}

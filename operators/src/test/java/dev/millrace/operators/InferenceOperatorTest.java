package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InferenceOperatorTest {

    @Test
    void everyTokenOfAnAnswerIsToldOnceInOrder() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.send(Requests.prompt("a", "Describe the picture", 40));
            operator.send(Requests.prompt("b", "Describe the circle", 7));
            operator.runToEnd("a", "b");
            assertThat(operator.answers().tokens("a")).hasSize(40);
            assertThat(operator.answers().tokens("b")).hasSize(7);
            assertThat(operator.answers().last("a").getFinishReason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void anEventSaysWhereItBelongs() throws Exception {
        try (var operator = OperatorFixture.open()) {
            PromptRequest request = Requests.prompt("a", "Describe the picture", 3);
            request.setReplyTo("me");
            request.setHeaders(Map.of("k", "v"));
            request.getSampling().setLogprobs(2);
            operator.harness().setProcessingTime(5_000);
            operator.send(request);
            operator.runToEnd("a");
            List<TokenEvent> events = operator.events();
            TokenEvent first = events.get(0);
            TokenEvent last = events.get(events.size() - 1);
            assertThat(first.getReplyTo()).isEqualTo("me");
            assertThat(first.getHeaders()).isEmpty();
            assertThat(first.getUsage()).isNull();
            assertThat(first.getCreatedAt()).isEqualTo(Instant.ofEpochMilli(1_000));
            assertThat(first.getScheduledAt()).isBetween(Instant.EPOCH, Instant.ofEpochMilli(5_000));
            assertThat(first.getEmittedAt()).isEqualTo(Instant.ofEpochMilli(5_000));
            assertThat(first.getLogprobs()).hasSize(1);
            assertThat(first.getLogprobs().get(0).getTop()).hasSize(2);
            assertThat(first.getLogprobs().get(0).getChosen().getTokenId())
                    .isEqualTo(first.getTokenIds().get(0));
            assertThat(last.getHeaders()).containsExactlyEntriesOf(Map.of("k", "v"));
            assertThat(last.getUsage().getCompletionTokens()).isEqualTo(3);
            assertThat(last.getUsage().getPromptTokens()).isPositive();
        }
    }

    @Test
    void theExecutorIsToldWhichGpusTheClusterAssigned() throws Exception {
        try (var operator = OperatorFixture.unopenedWithGpus(new Telling(), "3", "0")) {
            assertThatThrownBy(() -> operator.harness().open())
                    .isInstanceOf(SuppressRestartsException.class)
                    .rootCause()
                    .hasMessage("assigned [0, 3]");
        }
    }

    /** Says which GPUs were assigned. */
    private record Telling() implements ModelExecutorFactory {
        @Override
        public DefaultLimits defaults(ExecutorConfig config) {
            return DefaultLimits.CPU;
        }

        @Override
        public ModelExecutor open(Path model, ExecutorConfig config, Limits limits) {
            throw new IllegalArgumentException("assigned " + config.gpu().assigned());
        }
    }

    @Test
    void aRecordThatCannotBeReadIsAnsweredUnderItsPlaceAndKept() throws Exception {
        try (var operator = OperatorFixture.open()) {
            var inbound = Requests.unreadable("{");
            operator.send(inbound);
            TokenEvent event = operator.events().get(0);
            assertThat(event.getRequestId()).isEqualTo("prompts/3/" + inbound.getOffset());
            assertThat(event.getFinishReason()).isEqualTo(FinishReason.ERROR);
            assertThat(event.getError().getMessage()).isEqualTo("no JSON");
            assertThat(event.getReplyTo()).isEqualTo("asker");
            assertThat(operator.harness().getSideOutput(InferenceOperator.DEAD_LETTERS))
                    .singleElement()
                    .satisfies(record -> assertThat(record.getValue()).isEqualTo(inbound));
        }
    }

    @Test
    void aSecondRequestOfTheSameIdIsRefusedWithoutHurtingTheFirst() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.send(Requests.prompt("a", "Describe the picture", 5));
            var second = Requests.inbound(Requests.prompt("a", "Describe the picture", 5));
            operator.send(second);
            String place = "prompts/3/" + second.getOffset();
            assertThat(operator.answers().last(place).getError().getMessage()).contains("request_id \"a\"");
            operator.runToEnd("a");
            assertThat(operator.answers().tokens("a")).hasSize(5);
            operator.send(Requests.prompt("b", "once more", 1));
        }
    }

    @Test
    void theGateClosesOnTooManyRequestsAndOpensAgain() throws Exception {
        try (var operator = OperatorFixture.open(OperatorFixture.config(new QueueLimits(2, 1 << 20, 2, 0)))) {
            AdmissionGate gate = operator.gate();
            operator.send(Requests.prompt("a", "one", 4));
            assertThat(gate.isClosed()).isFalse();
            assertThat(gate.isIdle()).isFalse();
            operator.send(Requests.prompt("b", "two", 9));
            var open = gate.whenOpen();
            var idle = gate.whenIdle();
            assertThat(open).isNotDone();
            operator.runUntilPrepared().runToEnd("a");
            assertThat(open).isDone();
            assertThat(idle).isNotDone();
            operator.runToEnd("b");
            assertThat(idle).isDone();
        }
    }

    @Test
    void theGateClosesOnTooManyBytes() throws Exception {
        try (var operator = OperatorFixture.open(OperatorFixture.config(new QueueLimits(100, 500, 2, 0)))) {
            operator.send(Requests.prompt("a", "x ".repeat(200), 4));
            assertThat(operator.gate().isClosed()).isFalse();
            operator.send(Requests.prompt("b", "x ".repeat(200), 4));
            assertThat(operator.gate().isClosed()).isTrue();
            operator.runToEnd("a", "b");
            assertThat(operator.gate().isClosed()).isFalse();
        }
    }

    @Test
    void aRequestEndsAtItsDeadlineWhereverItStands() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.harness().setProcessingTime(1_000);
            operator.send(withDeadline(Requests.prompt("late", "too late", 5), 1_000));
            assertThat(operator.answers().last("late").getError().getCode()).isEqualTo("deadline_exceeded_error");

            operator.send(withDeadline(Requests.prompt("slow", "Describe the picture", 400), 2_000));
            operator.send(Requests.prompt("other", "Describe the circle", 20));
            operator.runUntilPrepared().executor().allow(1_000);
            operator.runUntil(() -> operator.answers().tokens("slow").size() == 3);
            operator.harness().setProcessingTime(2_000);
            TokenEvent last = operator.answers().last("slow");
            assertThat(last.getError().getCode()).isEqualTo("deadline_exceeded_error");
            assertThat(last.getFirstPosition()).isEqualTo(3);
            operator.runToEnd("other");
            assertThat(operator.answers().tokens("slow")).hasSize(3);

            operator.send(Requests.prompt("slow", "the id is free again", 2));
        }
    }

    @Test
    void aFaultOfTheExecutorFailsTheTask() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.executor().breakWith(new IllegalStateException("the device is gone"));
            operator.send(Requests.prompt("a", "Describe the picture", 5));
            assertThatThrownBy(() -> operator.runToEnd("a")).rootCause().hasMessage("the device is gone");
        }
    }

    @Test
    void theEndOfTheInputWaitsForTheAnswers() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.send(Requests.prompt("a", "Describe the picture", 30));
            operator.executor().allow(1_000);
            operator.harness().endInput();
            assertThat(operator.answers().isFinished("a")).isTrue();
        }
    }

    @Test
    void aTaskThatEndsInTheMiddleLeavesNoThreadBehind() throws Exception {
        try (var operator = OperatorFixture.open()) {
            for (int i = 0; i < 20; i++) {
                operator.send(Requests.prompt("r" + i, "Describe the picture", 100));
            }
            operator.executor().allow(1_000);
            operator.runUntil(() -> operator.events().size() > 20);
            assertThat(OperatorThreads.alive()).isNotEmpty();
        }
        OperatorThreads.awaitEnd();
    }

    @Test
    void aModelThatCannotBeOpenedIsNamedAndLeavesNothingBehind() throws Exception {
        try (var operator = OperatorFixture.unopened("/no/such/model")) {
            assertThatThrownBy(() -> operator.harness().open())
                    .as("restarts would not find it either")
                    .isInstanceOf(SuppressRestartsException.class)
                    .rootCause()
                    .hasMessageContaining("/no/such/model")
                    .hasMessageContaining("config.json");
            operator.harness().close();
            assertThatThrownBy(operator::gate).hasMessageContaining("no inference operator is chained");
        }
    }

    private static PromptRequest withDeadline(PromptRequest request, long millis) {
        request.setDeadline(Instant.ofEpochMilli(millis));
        return request;
    }
}

package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A request with several answers ends with the last of them. */
@Timeout(60)
class ChoicesTest {

    private static final int CHOICES = 3;

    @Test
    void theLastEventOfAllTellsWhatTheRequestTook() throws Exception {
        try (var operator = OperatorFixture.open()) {
            PromptRequest request = request(20);
            request.setPrompt(null);
            request.setPromptTokenIds(List.of(5, 6, 7));
            operator.send(request);
            operator.runToEnd("a");
            List<TokenEvent> ends = ends(operator.events());
            assertThat(operator.events())
                    .filteredOn(event -> event.getPromptTokens() != null)
                    .hasSize(CHOICES)
                    .allSatisfy(event -> assertThat(event.getFirstPosition()).isZero())
                    .allSatisfy(event -> assertThat(event.getPromptTokens()).isEqualTo(3));
            assertThat(ends).hasSize(CHOICES);
            assertThat(ends).extracting(TokenEvent::getChoice).containsExactlyInAnyOrder(0, 1, 2);
            TokenEvent last = ends.remove(CHOICES - 1);
            assertThat(last).isSameAs(operator.events().get(operator.events().size() - 1));
            assertThat(last.getUsage().getPromptTokens()).isEqualTo(3);
            assertThat(last.getUsage().getCompletionTokens()).isEqualTo(CHOICES * 20);
            assertThat(last.getHeaders()).isEqualTo(Map.of("trace", "7"));
            assertThat(ends).allSatisfy(end -> {
                assertThat(end.getUsage()).isNull();
                assertThat(end.getHeaders()).isEmpty();
            });
        }
    }

    @Test
    void eachChoiceEchoesThePromptAndTheFirstTellsItsLogprobs() throws Exception {
        try (var operator = OperatorFixture.open()) {
            PromptRequest request = request(20);
            request.getSampling().setEcho(true);
            request.getSampling().setPromptLogprobs(2);
            operator.send(request);
            operator.runToEnd("a");
            Answers answers = operator.answers();
            for (int choice = 0; choice < CHOICES; choice++) {
                String name = Answers.choice("a", choice);
                assertThat(answers.promptText(name)).isEqualTo("What is in the picture?");
                assertThat(answers.promptLogprobs(name).isEmpty()).isEqualTo(choice > 0);
            }
        }
    }

    @Test
    void eachChoiceHasDrawsOfItsOwn() throws Exception {
        try (var operator = OperatorFixture.open()) {
            operator.send(request(20));
            operator.runToEnd("a");
            assertThat(operator.answers().texts()).hasSize(CHOICES);
            assertThat(operator.answers().texts().values()).doesNotHaveDuplicates();
        }
    }

    @Test
    void aDeadlineEndsEveryChoiceThatHasNotEnded() throws Exception {
        try (var operator = OperatorFixture.open()) {
            PromptRequest request = request(400);
            request.setDeadline(Instant.ofEpochMilli(2_000));
            operator.send(request);
            operator.executor().allow(3);
            operator.runUntil(() -> operator.executor().computed() == 3);
            operator.harness().setProcessingTime(2_000);
            operator.runUntil(() -> operator.queued() == 0);
            Answers answers = operator.answers(); // checks positions, and that nothing follows an end
            for (int choice = 0; choice < CHOICES; choice++) {
                TokenEvent end = answers.last(Answers.choice("a", choice));
                assertThat(end.getFinishReason()).isEqualTo(FinishReason.ERROR);
                assertThat(end.getError().getCode()).isEqualTo("deadline_exceeded_error");
                assertThat(end.getUsage() != null).isEqualTo(choice == CHOICES - 1);
            }
        }
    }

    @Test
    void aChoiceThatEndedBeforeTheCheckpointDoesNotComeAgain() throws Exception {
        Answers undisturbed;
        try (var operator = OperatorFixture.open()) {
            operator.send(stopping());
            undisturbed = operator.runToEnd("a").answers();
        }
        List<TokenEvent> committed;
        OperatorSubtaskState state;
        try (var operator = OperatorFixture.open()) {
            operator.send(stopping());
            for (int steps = 1; ends(operator.events()).isEmpty(); steps++) {
                int allowed = steps;
                operator.executor().allow(1);
                operator.runUntil(() -> operator.executor().computed() == allowed);
            }
            committed = new ArrayList<>(operator.events());
            assertThat(ends(committed).size()).isLessThan(CHOICES);
            state = operator.snapshot();
        }
        try (var operator = OperatorFixture.restore(state, 1, 1, 0)) {
            operator.runToEnd("a");
            committed.addAll(operator.events());
        }
        Answers continued = Answers.of(committed);
        assertThat(continued.texts()).isEqualTo(undisturbed.texts());
        assertThat(lastUsage(committed))
                .isEqualTo(undisturbed.texts().keySet().stream()
                        .mapToInt(id -> undisturbed.tokens(id).size())
                        .sum());
    }

    private static int lastUsage(List<TokenEvent> events) {
        return events.get(events.size() - 1).getUsage().getCompletionTokens();
    }

    private static List<TokenEvent> ends(List<TokenEvent> events) {
        return new ArrayList<>(
                events.stream().filter(event -> event.getFinishReason() != null).toList());
    }

    /** One whose choices end at different tokens. */
    private static PromptRequest stopping() {
        PromptRequest request = request(200);
        request.getSampling().setStop(List.of("e"));
        request.getSampling().setMinTokens(4);
        return request;
    }

    private static PromptRequest request(int maxTokens) {
        PromptRequest request = Requests.prompt("a", "What is in the picture?", maxTokens);
        request.getSampling().setN(CHOICES);
        request.setHeaders(Map.of("trace", "7"));
        return request;
    }
}

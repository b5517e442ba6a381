package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.TokenLogprob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a consumer of committed events sees is what it would have seen without the failure. */
@Timeout(60)
class RecoveryTest {

    private static final String[] IDS = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"};

    @TempDir
    Path folder;

    @Test
    void aCheckpointInTheMiddleContinuesWithTheSameTokens() throws Exception {
        Map<String, String> undisturbed = undisturbed();
        for (int steps : new int[] {1, 2, 7, 30}) {
            List<TokenEvent> committed;
            OperatorSubtaskState state;
            try (var operator = OperatorFixture.open()) {
                sendAll(operator);
                operator.executor().allow(steps);
                operator.runUntil(() -> operator.executor().computed() == steps);
                committed = new ArrayList<>(operator.events());
                state = operator.snapshot();
                operator.executor().allow(5);
                operator.runUntil(() -> operator.events().size() > committed.size() + 2);
            }
            try (var operator = OperatorFixture.restore(state, 1, 1, 0)) {
                operator.runToEnd(unfinished(committed));
                committed.addAll(operator.events());
            }
            assertThat(sorted(Answers.of(committed).texts())).isEqualTo(undisturbed);
        }
    }

    /** Three steps bring the log-probabilities of 64 tokens each, the fourth the others and the first token. */
    @Test
    void aCheckpointNeitherLosesNorRepeatsWhatIsToldOfThePrompt() throws Exception {
        String text = "What is in picture 猫? ".repeat(20);
        PromptRequest request = Requests.prompt("a", text, 9);
        request.getSampling().setPromptLogprobs(2);
        request.getSampling().setEcho(true);
        for (int steps : new int[] {1, 2, 3, 6}) {
            List<TokenEvent> committed;
            OperatorSubtaskState state;
            try (var operator = OperatorFixture.open()) {
                operator.send(request);
                operator.executor().allow(steps);
                operator.runUntil(() -> operator.executor().computed() == steps
                        && operator.events().size() >= steps);
                committed = new ArrayList<>(operator.events());
                state = operator.snapshot();
            }
            try (var operator = OperatorFixture.restore(state, 1, 1, 0)) {
                operator.runToEnd("a");
                committed.addAll(operator.events());
            }
            Answers answers = Answers.of(committed);
            assertThat(answers.promptText("a")).isEqualTo(text);
            List<PositionLogprobs> logprobs = answers.promptLogprobs("a");
            assertThat(logprobs).hasSize(answers.last("a").getUsage().getPromptTokens() - 1);
            assertThat(logprobs).hasSizeGreaterThan(192);
            for (int i = 0; i < logprobs.size(); i++) {
                TokenLogprob token = logprobs.get(i).getChosen();
                assertThat(token.getLogprob()).isEqualTo(-(i + 1) - token.getTokenId() / 1024f);
                assertThat(logprobs.get(i).getTop()).hasSize(2);
            }
        }
    }

    @Test
    void aCheckpointContinuesAtAnotherParallelism() throws Exception {
        Map<String, String> undisturbed = undisturbed();
        List<TokenEvent> committed;
        OperatorSubtaskState one;
        try (var operator = OperatorFixture.open()) {
            sendAll(operator);
            operator.executor().allow(9);
            operator.runUntil(() -> operator.executor().computed() == 9);
            committed = new ArrayList<>(operator.events());
            one = operator.snapshot();
        }
        List<OperatorSubtaskState> three = new ArrayList<>();
        for (int subtask = 0; subtask < 3; subtask++) {
            try (var operator = OperatorFixture.restore(one, 1, 3, subtask)) {
                assertThat(operator.queued()).isBetween(2, 5);
                operator.executor().allow(6);
                operator.runUntil(() -> operator.executor().computed() == 6);
                committed.addAll(operator.events());
                three.add(operator.snapshot());
            }
        }
        OperatorSubtaskState all =
                AbstractStreamOperatorTestHarness.repackageState(three.toArray(OperatorSubtaskState[]::new));
        for (int subtask = 0; subtask < 2; subtask++) {
            try (var operator = OperatorFixture.restore(all, 3, 2, subtask)) {
                operator.runToEnd(operator.queuedIds());
                committed.addAll(operator.events());
            }
        }
        assertThat(sorted(Answers.of(committed).texts())).isEqualTo(undisturbed);
    }

    @Test
    void requestsThatAreStillInPreparationAreRestored() throws Exception {
        Map<String, String> undisturbed = undisturbed();
        OperatorSubtaskState state;
        try (var operator = OperatorFixture.open()) {
            sendAll(operator);
            assertThat(operator.snapshots()).allMatch(snapshot -> snapshot.work() instanceof Unprepared);
            state = operator.snapshot();
        }
        try (var operator = OperatorFixture.restore(state, 1, 1, 0)) {
            operator.runToEnd(IDS);
            assertThat(sorted(operator.answers().texts())).isEqualTo(undisturbed);
        }
    }

    @Test
    void anAnsweredRequestIsForgotten() throws Exception {
        OperatorSubtaskState state;
        try (var operator = OperatorFixture.open()) {
            sendAll(operator);
            operator.runToEnd(IDS);
            state = operator.snapshot();
        }
        try (var operator = OperatorFixture.restore(state, 1, 1, 0)) {
            assertThat(operator.queued()).isZero();
            assertThat(operator.gate().isIdle()).isTrue();
        }
    }

    @Test
    void aDeadlineIsKeptOverARestart() throws Exception {
        OperatorSubtaskState state;
        try (var operator = OperatorFixture.open()) {
            PromptRequest request = Requests.prompt("a", "Describe the picture", 400);
            request.setDeadline(Instant.ofEpochMilli(2_000));
            operator.send(request);
            operator.executor().allow(3);
            operator.runUntil(() -> operator.executor().computed() == 3);
            state = operator.snapshot();
        }
        try (var operator = OperatorFixture.restore(state, 1, 1, 0)) {
            operator.harness().setProcessingTime(2_000);
            assertThat(operator.events().get(0).getError().getCode()).isEqualTo("deadline_exceeded_error");
        }
    }

    @Test
    void theAttemptRisesWithEveryRestart() throws Exception {
        OperatorSubtaskState state = null;
        int before = -1;
        for (int restart = 0; restart < 3; restart++) {
            try (var operator = state == null ? OperatorFixture.open() : OperatorFixture.restore(state, 1, 1, 0)) {
                operator.send(Requests.prompt("a" + restart, "Describe the picture", 1));
                operator.runToEnd("a" + restart);
                int attempt = operator.events().get(0).getAttempt();
                assertThat(attempt).isGreaterThan(before);
                before = attempt;
                state = operator.snapshot();
            }
        }
    }

    @Test
    void restoredRequestsMayExceedTheLimitsAndKeepTheGateClosed() throws Exception {
        OperatorSubtaskState state;
        try (var operator = OperatorFixture.open()) {
            sendAll(operator);
            state = operator.snapshot();
        }
        var limits = new OperatorConfig.QueueLimits(5, 1 << 20, 2, 0);
        try (var operator = OperatorFixture.restore(OperatorFixture.config(limits), state, 1, 1, 0)) {
            assertThat(operator.queued()).isEqualTo(IDS.length);
            assertThat(operator.gate().isClosed()).isTrue();
            operator.runToEnd(IDS);
            assertThat(operator.gate().isClosed()).isFalse();
        }
    }

    @Test
    void twoRequestsOfOneIdThatMeetAfterARestoreAreBothAnswered() throws Exception {
        List<OperatorSubtaskState> states = new ArrayList<>();
        for (int subtask = 0; subtask < 2; subtask++) {
            try (var operator = OperatorFixture.open()) {
                operator.send(Requests.prompt("same", "Describe the picture", 12));
                states.add(operator.snapshot());
            }
        }
        OperatorSubtaskState both =
                AbstractStreamOperatorTestHarness.repackageState(states.toArray(OperatorSubtaskState[]::new));
        try (var operator = OperatorFixture.restore(both, 2, 1, 0)) {
            operator.runToEnd("same");
            assertThat(operator.answers().tokens("same")).hasSize(12);
            assertThat(operator.events())
                    .filteredOn(event -> event.getRequestId().startsWith("prompts/3/"))
                    .singleElement()
                    .satisfies(
                            event -> assertThat(event.getError().getMessage()).contains("request_id \"same\""));
        }
    }

    @Test
    void aRequestThatWasPreparedForAnotherModelIsRefused() throws Exception {
        OperatorSubtaskState state;
        try (var operator = OperatorFixture.open()) {
            PromptRequest request = Requests.prompt("a", null, 5);
            request.setPromptTokenIds(List.of(1_000));
            operator.send(request);
            operator.executor().allow(2);
            operator.runUntil(() -> operator.answers().tokens("a").size() == 1);
            state = operator.snapshot();
        }
        try (var operator = OperatorFixture.unopened(smallerModel().toString())) {
            operator.harness().initializeState(state);
            operator.harness().open();
            operator.runToEnd("a");
            assertThat(operator.events().get(0).getError().getMessage()).contains("another model");
        }
    }

    /** The demonstration model, its weights aside, with a vocabulary of 990. */
    private Path smallerModel() throws IOException {
        try (var files = Files.newDirectoryStream(OperatorFixture.MODEL, "*.json")) {
            for (Path file : files) {
                String text = Files.readString(file).replace("\"vocab_size\": 1024", "\"vocab_size\": 990");
                Files.writeString(folder.resolve(file.getFileName()), text);
            }
        }
        return folder;
    }

    private static Map<String, String> undisturbed() throws Exception {
        try (var operator = OperatorFixture.open()) {
            sendAll(operator);
            operator.runToEnd(IDS);
            return sorted(operator.answers().texts());
        }
    }

    private static void sendAll(OperatorFixture operator) throws Exception {
        for (int i = 0; i < IDS.length; i++) {
            operator.send(Requests.prompt(IDS[i], "What is in picture " + i + "?", 10 + 3 * i));
        }
    }

    private static String[] unfinished(List<TokenEvent> events) {
        Answers answers = Answers.of(events);
        return List.of(IDS).stream().filter(id -> !answers.isFinished(id)).toArray(String[]::new);
    }

    private static Map<String, String> sorted(Map<String, String> texts) {
        Map<String, String> sorted = new TreeMap<>(Comparator.naturalOrder());
        sorted.putAll(texts);
        return sorted;
    }
}

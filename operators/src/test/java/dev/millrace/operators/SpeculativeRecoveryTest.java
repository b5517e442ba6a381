package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.operators.scheduler.Speculation;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.StructuredOutputs;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What committed events tell of the demonstration model's answers, with speculation and over crash after crash, is what an
 * operator tells that knows neither.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpeculativeRecoveryTest {

    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    private static final OperatorConfig PLAIN = OperatorFixture.config(QueueLimits.DEFAULT);

    private Answers undisturbed;

    @BeforeAll
    void answerWithoutSpeculation() throws Exception {
        try (var operator = OperatorFixture.open(PLAIN, new CpuExecutorFactory(), null)) {
            sendAll(operator);
            undisturbed = operator.runUntil(() -> operator.queued() == 0).answers();
        }
        assertThat(undisturbed.texts()).hasSize(13).allSatisfy((id, text) -> assertThat(undisturbed.isFinished(id))
                .isTrue());
    }

    @ParameterizedTest
    @CsvSource({"'', 1, 3", "models/demo-draft, 0, 0", "models/demo-vl, 0, 0"})
    void answersOverManyCrashesAreThoseWithoutSpeculation(String draftModel, int lookupMin, int lookupMax)
            throws Exception {
        String folder = draftModel.isEmpty() ? "" : ROOT.resolve(draftModel).toString();
        OperatorConfig config = PLAIN.withSpeculation(
                new Speculation(4, lookupMin, lookupMax), new ExecutorConfig.Speculation(folder, 4));
        Random random = new Random(7);
        List<TokenEvent> committed = new ArrayList<>();
        OperatorSubtaskState state = null;
        int queued = 1;
        int cuts = 0;
        while (queued > 0) {
            try (var operator = OperatorFixture.open(config, new CpuExecutorFactory(), state)) {
                if (state == null) {
                    sendAll(operator);
                }
                tellMore(operator, 5 + random.nextInt(10));
                committed.addAll(operator.events());
                state = operator.snapshot();
                queued = operator.queued();
                cuts += begun(Answers.of(committed));
                tellMore(operator, random.nextInt(10)); // which is lost
            }
        }
        assertThat(cuts).as("answers that went on after a crash").isGreaterThan(20);
        assertThat(committed)
                .as("drafts that were right")
                .anyMatch(event -> event.getTokenIds().size() > 1);
        Answers answers = Answers.of(committed);
        assertThat(tokens(answers)).isEqualTo(tokens(undisturbed));
        assertThat(new TreeMap<>(answers.texts())).isEqualTo(new TreeMap<>(undisturbed.texts()));
        answers.texts().keySet().forEach(id -> assertThat(answers.last(id).getFinishReason())
                .as(id)
                .isEqualTo(undisturbed.last(id).getFinishReason()));
    }

    private static void tellMore(OperatorFixture operator, int events) throws Exception {
        int most = operator.events().size() + events;
        operator.runUntil(() -> operator.queued() == 0 || operator.events().size() >= most);
    }

    /** Answers that have begun and not ended. */
    private static int begun(Answers answers) {
        return (int) answers.texts().keySet().stream()
                .filter(id -> !answers.tokens(id).isEmpty() && !answers.isFinished(id))
                .count();
    }

    private static Map<String, List<Integer>> tokens(Answers answers) {
        Map<String, List<Integer>> tokens = new TreeMap<>();
        answers.texts().keySet().forEach(id -> tokens.put(id, answers.tokens(id)));
        return tokens;
    }

    private static void sendAll(OperatorFixture operator) throws Exception {
        operator.send(described("greedy", 1, 0, 40));
        operator.send(described("drawn", 4, 1.2, 30));
        PromptRequest narrow = described("narrow", 3, 0.8, 24);
        narrow.getSampling().setMinP(0.05);
        narrow.getSampling().setPresencePenalty(0.8);
        narrow.getSampling().setFrequencyPenalty(0.3);
        narrow.getSampling().setRepetitionPenalty(1.2);
        narrow.getSampling().setLogitBias(Map.of("260", 2.0, "7", -3.0));
        narrow.getSampling().setMinTokens(12);
        operator.send(narrow);
        PromptRequest stopped = described("stopped", 2, 1.0, 40);
        stopped.getSampling().setStop(List.of("and a", "三"));
        stopped.getSampling().setBadWords(List.of("green", "small"));
        stopped.getSampling().setTopK(30);
        operator.send(stopped);
        PromptRequest bound = Requests.chat("bound", "user", Requests.text("one two three four one two three four"));
        bound.getSampling().setN(2);
        bound.getSampling().setTemperature(0.7);
        bound.getSampling().setMaxTokens(30);
        bound.getSampling()
                .setStructuredOutputs(StructuredOutputs.newBuilder()
                        .setRegex("((one|two|three|four) ){4,12}")
                        .build());
        operator.send(bound);
        operator.send(Requests.prompt("repeated", "one two three four one two three four one two", 30));
    }

    private static PromptRequest described(String id, int n, double temperature, int maxTokens) throws IOException {
        PromptRequest request = Requests.chat(id, "user", picture(), Requests.text("Describe this image."));
        SamplingOptions sampling = request.getSampling();
        sampling.setN(n);
        sampling.setTemperature(temperature);
        sampling.setMaxTokens(maxTokens);
        sampling.setIgnoreEos(temperature > 1);
        return request;
    }

    private static MediaPart picture() throws IOException {
        return MediaPart.newBuilder()
                .setKind(MediaKind.IMAGE)
                .setData(ByteBuffer.wrap(Files.readAllBytes(ROOT.resolve("models/samples/two-shapes.png"))))
                .build();
    }
}

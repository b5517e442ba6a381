package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The operator with the trained demonstration model on the CPU. */
@Timeout(120)
class RealModelTest {

    private static final Path SAMPLES = Path.of(System.getProperty("millrace.root"), "models", "samples");
    private static final String[] IDS = {"caption", "seeded", "text"};

    @Test
    void aCheckpointInTheMiddleOfACaptionContinuesWithTheSameWords() throws Exception {
        Answers undisturbed;
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
            sendAll(operator);
            undisturbed = operator.runToEnd(IDS).answers();
        }
        assertThat(undisturbed.text("caption")).isEqualTo("A large green triangle and a small red cross.");
        assertThat(undisturbed.last("caption").getFinishReason()).isEqualTo(FinishReason.STOP);

        List<TokenEvent> committed;
        OperatorSubtaskState state;
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
            sendAll(operator);
            operator.runUntil(() -> operator.answers().tokens("caption").size() >= 4
                    && operator.answers().tokens("seeded").size() >= 2);
            state = operator.snapshot();
            committed = new ArrayList<>(operator.events());
        }
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), state)) {
            operator.runUntil(() -> operator.queued() == 0);
            committed.addAll(operator.events());
        }
        Answers continued = Answers.of(committed);
        for (String id : IDS) {
            assertThat(continued.tokens(id)).as(id).isEqualTo(undisturbed.tokens(id));
            assertThat(continued.text(id)).as(id).isEqualTo(undisturbed.text(id));
        }
    }

    @Test
    void choicesGoOnWithTheSameWordsAfterACheckpoint() throws Exception {
        Answers undisturbed;
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
            operator.send(choices());
            undisturbed = operator.runToEnd("choices").answers();
        }
        for (int tokens : new int[] {1, 5, 17}) {
            List<TokenEvent> committed;
            OperatorSubtaskState state;
            try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
                operator.send(choices());
                operator.runUntil(() -> operator.answers().tokens("choices#3").size() >= tokens);
                state = operator.snapshot();
                committed = new ArrayList<>(operator.events());
            }
            try (var operator = OperatorFixture.open(new CpuExecutorFactory(), state)) {
                operator.runUntil(() -> operator.queued() == 0);
                committed.addAll(operator.events());
            }
            Answers continued = Answers.of(committed);
            assertThat(continued.texts()).hasSize(4).isEqualTo(undisturbed.texts());
            for (String id : undisturbed.texts().keySet()) {
                assertThat(continued.tokens(id)).as(id).isEqualTo(undisturbed.tokens(id));
            }
        }
        assertThat(undisturbed.texts().values()).doesNotHaveDuplicates();
    }

    private static PromptRequest choices() throws IOException {
        PromptRequest request = Requests.chat("choices", "user", picture(), Requests.text("What do you see?"));
        request.getSampling().setN(4);
        request.getSampling().setTemperature(1.5);
        request.getSampling().setIgnoreEos(true);
        request.getSampling().setMaxTokens(24);
        return request;
    }

    private static void sendAll(OperatorFixture operator) throws Exception {
        PromptRequest caption = Requests.chat("caption", "user", picture(), Requests.text("Describe this image."));
        caption.getSampling().setTemperature(0.0);
        caption.getSampling().setMaxTokens(64);
        operator.send(caption);
        PromptRequest seeded = Requests.chat("seeded", "user", picture(), Requests.text("What do you see?"));
        seeded.getSampling().setTemperature(1.5);
        seeded.getSampling().setIgnoreEos(true);
        seeded.getSampling().setRepetitionPenalty(1.1);
        seeded.getSampling().setMaxTokens(40);
        operator.send(seeded);
        PromptRequest text = Requests.chat("text", "user", Requests.text("What is 3 + 4?"));
        text.getSampling().setIgnoreEos(true);
        text.getSampling().setMaxTokens(30);
        operator.send(text);
    }

    private static MediaPart picture() throws IOException {
        return MediaPart.newBuilder()
                .setKind(MediaKind.IMAGE)
                .setData(ByteBuffer.wrap(Files.readAllBytes(SAMPLES.resolve("two-shapes.png"))))
                .build();
    }
}

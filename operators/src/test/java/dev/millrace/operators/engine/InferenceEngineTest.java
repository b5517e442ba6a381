package dev.millrace.operators.engine;

import static dev.millrace.operators.engine.EngineFixture.config;
import static dev.millrace.operators.engine.EngineFixture.params;
import static dev.millrace.operators.engine.EngineFixture.sequence;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.Sequence;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class InferenceEngineTest {

    private static PreparedPrompt text(int length, int from) {
        return PreparedPrompt.text(
                IntStream.range(0, length).map(i -> (from + 7 * i) % 40).toArray());
    }

    @Test
    void anAnswerEndsAtItsLengthLimit() {
        EngineFixture fixture = new EngineFixture(config(), 64, 64);
        Sequence sequence = sequence(1, text(20, 5), params(5));
        fixture.engine.add(sequence);
        fixture.runToEnd();
        var answer = fixture.answers.of(sequence);
        assertThat(answer.finish).isEqualTo(FinishReason.LENGTH);
        assertThat(answer.tokens.size()).isEqualTo(5);
        assertThat(fixture.engine.stats().stepTokens())
                .as("no step past the limit is launched")
                .isEqualTo(20 + 4);
    }

    @Test
    void answersAloneAndTogetherAreTheSame() {
        EngineFixture together = new EngineFixture(config(), 64, 64);
        Sequence[] sequences = IntStream.range(0, 20)
                .mapToObj(i -> sequence(i, text(10 + i, i % 3), params(30)))
                .toArray(Sequence[]::new);
        for (Sequence sequence : sequences) {
            together.engine.add(sequence);
        }
        together.runToEnd();
        for (int i = 0; i < sequences.length; i++) {
            EngineFixture alone = new EngineFixture(config(), 64, 64);
            Sequence sequence = sequence(i, text(10 + i, i % 3), params(30));
            alone.engine.add(sequence);
            alone.runToEnd();
            assertThat(together.answers.of(sequences[i]).text.toString())
                    .isEqualTo(alone.answers.of(sequence).text.toString());
        }
    }
}

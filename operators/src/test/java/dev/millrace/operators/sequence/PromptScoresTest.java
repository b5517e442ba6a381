package dev.millrace.operators.sequence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PromptScoresTest {

    @Test
    void aStepComputesAsManyTokensAsItHasRoomForTheirEntries() {
        PromptScores scores = new PromptScores(3, 100, 0);
        assertThat(scores.tokensWithin(64, 0)).isEqualTo(64);
        assertThat(scores.entries(64)).isEqualTo(64);
        scores.launch(64);
        assertThat(scores.tokensWithin(64, 64)).isEqualTo(Integer.MAX_VALUE);
        assertThat(scores.entries(100)).isEqualTo(35);
    }

    @Test
    void tokensThatOthersComputedBeforeTheirEntriesAreLaunchedAreAFault() {
        PromptScores scores = new PromptScores(3, 100, 16);
        assertThat(scores.tokensWithin(64, 16)).isEqualTo(64);
        assertThatThrownBy(() -> scores.tokensWithin(64, 32))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("32 tokens of the prompt are computed")
                .hasMessageContaining("only 16 of its log-probabilities are launched");
    }
}

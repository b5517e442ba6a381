package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sequences as long as the key-value cache is. */
@Timeout(60)
class AutoLengthTest {

    private static final int POSITIONS = 2048; // of demo-vl
    private static final int CACHE_TOKENS = 9 * 16; // the null block holds none

    @Test
    void anAnswerMayBeAsLongAsTheCacheAndNoLonger() throws Exception {
        try (var operator = OperatorFixture.open(config(10))) {
            operator.send(tokens("b", 40, CACHE_TOKENS - 40 + 1));
            operator.runToEnd("b");
            assertThat(last(operator.events()).getError().getMessage())
                    .contains("maximum context length is " + CACHE_TOKENS);
            operator.send(tokens("a", 40, CACHE_TOKENS - 40));
            operator.runToEnd("a");
            TokenEvent last = last(operator.events());
            assertThat(last.getFinishReason()).isEqualTo(FinishReason.LENGTH);
            assertThat(operator.answers().tokens("a")).hasSize(CACHE_TOKENS - 40);
        }
    }

    @Test
    void aPromptThatFillsTheCacheIsRefusedWithWhatItHolds() throws Exception {
        try (var operator = OperatorFixture.open(config(10))) {
            operator.send(tokens("a", CACHE_TOKENS, 1));
            operator.runToEnd("a");
            assertThat(last(operator.events()).getError().getMessage())
                    .contains("maximum context length is " + CACHE_TOKENS);
        }
    }

    @Test
    void aLargeCacheLeavesTheCheckpointsLength() throws Exception {
        try (var operator = OperatorFixture.open(config(400))) {
            operator.send(tokens("a", POSITIONS, 1));
            operator.runToEnd("a");
            assertThat(last(operator.events()).getError().getMessage())
                    .contains("maximum context length is " + POSITIONS);
        }
    }

    @Test
    void anAnswerThatIsLongerThanANewCacheEndsThere() throws Exception {
        OperatorSubtaskState state;
        int told;
        try (var operator = OperatorFixture.open(config(400))) {
            operator.send(tokens("a", 40, 300));
            operator.executor().allow(200);
            operator.runUntil(() -> operator.answers().tokens("a").size() > CACHE_TOKENS);
            told = operator.answers().tokens("a").size();
            state = operator.snapshot();
        }
        try (var operator = OperatorFixture.restore(config(10), state, 1, 1, 0)) {
            operator.runToEnd("a");
            assertThat(operator.events()).singleElement().satisfies(event -> {
                assertThat(event.getFinishReason()).isEqualTo(FinishReason.LENGTH);
                assertThat(event.getFirstPosition()).isEqualTo(told);
                assertThat(event.getTokenIds()).isEmpty();
            });
        }
    }

    @Test
    void whatTheCheckpointHasNoPositionsForEndsTheJob() throws Exception {
        OperatorConfig longer = OperatorFixture.config(new LimitSettings(64, 8, POSITIONS + 1));
        try (var operator = OperatorFixture.unopened(longer)) {
            assertThatThrownBy(() -> operator.harness().open())
                    .isInstanceOf(SuppressRestartsException.class)
                    .rootCause()
                    .hasMessageContaining("--max-model-len is 2049, but the checkpoint has 2048 positions");
        }
    }

    private static TokenEvent last(List<TokenEvent> events) {
        return events.get(events.size() - 1);
    }

    private static PromptRequest tokens(String id, int count, int maxTokens) {
        PromptRequest request = Requests.prompt(id, "", maxTokens);
        request.setPrompt(null);
        request.setPromptTokenIds(
                IntStream.range(0, count).map(i -> 5 + i % 90).boxed().toList());
        return request;
    }

    private static OperatorConfig config(int numBlocks) {
        OperatorConfig usual = OperatorFixture.config(new LimitSettings(64, 8, null));
        return usual.withExecutor(usual.executor().withCache(new Cache(16, numBlocks, 0, true)));
    }
}

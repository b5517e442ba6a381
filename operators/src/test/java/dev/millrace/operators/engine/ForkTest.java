package dev.millrace.operators.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the choices of one request share. */
class ForkTest {

    private static final int CHOICES = 4;
    private static final int MAX_TOKENS = 30;

    /** Blocks of 16 tokens in use after the prompt and after the first tokens of the answers. */
    @ParameterizedTest
    @CsvSource({
        "40,  3,  6, 12, 12", // 2 full ones and 1 in part, which 3 of 4 choices copy
        "48,  3,  7, 12, 16", // 3 full ones; each choice begins one
        "1,   1,  4,  4,  4",
        "120, 8, 11, 32, 32",
    })
    void choicesTakeOnlyTheBlocksInWhichTheyDiffer(
            int length, int afterPrompt, int afterFirst, int separateAfterPrompt, int separateAfterFirst) {
        EngineFixture one = fixture(1024, CHOICES, true);
        choices(EngineFixture.text(length, 0)).forEach(one.engine::add);
        assertThat(usedAfterNextStep(one)).isEqualTo(afterPrompt);
        assertThat(usedAfterNextStep(one)).isEqualTo(afterFirst);

        EngineFixture separate = fixture(1024, CHOICES, true);
        IntStream.range(0, CHOICES)
                .mapToObj(i ->
                        EngineFixture.sequence(i, EngineFixture.text(length, 0), EngineFixture.endless(MAX_TOKENS)))
                .forEach(separate.engine::add);
        assertThat(usedAfterNextStep(separate)).isEqualTo(separateAfterPrompt);
        assertThat(usedAfterNextStep(separate)).isEqualTo(separateAfterFirst);
        one.runToEnd();
        assertThat(one.engine.stats().kvCacheUsage()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPromptIsComputedOnceInHoweverManyChunks(boolean prefixCaching) {
        for (int budget : new int[] {1024, 20, 16, 10, 7}) {
            EngineFixture fixture = fixture(budget, CHOICES, prefixCaching);
            List<Sequence> choices = choices(EngineFixture.text(40, 0));
            choices.forEach(fixture.engine::add);
            fixture.runToEnd();
            assertThat(fixture.engine.stats().stepTokens()).isEqualTo(40 + CHOICES * (MAX_TOKENS - 1));
            assertThat(copies(fixture)).isEqualTo(CHOICES - 1);
            choices.forEach(choice -> assertThat(choice.cachedTokens()).isZero());
        }
    }

    @Test
    void choicesThatFindNoRowShareThePromptOfThoseThatRun() {
        EngineFixture fixture = fixture(64, 3, false);
        PreparedPrompt prompt = EngineFixture.text(40, 0);
        List<Sequence> choices = IntStream.range(0, 5)
                .mapToObj(i -> choice(prompt, i, i == 0 ? 20 : 5))
                .toList();
        choices.forEach(fixture.engine::add);
        fixture.runToEnd();
        int late = 1; // two that enter together compute the prompt's last token again, for its logits
        assertThat(fixture.engine.stats().stepTokens()).isEqualTo(40 + 19 + 4 * 4 + late);
        choices.forEach(choice -> assertThat(fixture.answers.of(choice).finish).isEqualTo(FinishReason.LENGTH));
    }

    @Test
    void aPromptOfFullBlocksIsNotCopied() {
        EngineFixture fixture = fixture(1024, CHOICES, true);
        choices(EngineFixture.text(48, 0)).forEach(fixture.engine::add);
        fixture.runToEnd();
        assertThat(copies(fixture)).isZero();
    }

    @Test
    void choicesBegunBeforeShareThePromptAgain() {
        PreparedPrompt prompt = EngineFixture.text(40, 0);
        EngineFixture fixture = fixture(1024, CHOICES, false);
        List<Sequence> choices = IntStream.range(0, CHOICES)
                .mapToObj(i ->
                        new Sequence("r", i, 0, 0, prompt, EngineFixture.endless(MAX_TOKENS), new int[3 * i], 3 * i))
                .toList();
        choices.forEach(
                choice -> fixture.answers.resume(choice, choice.outputTokens(), "a".repeat(choice.outputLength())));
        choices.forEach(fixture.engine::add);
        fixture.runToEnd();
        assertThat(fixture.engine.stats().stepTokens()).isEqualTo(40 + CHOICES * (MAX_TOKENS - 1));
        assertThat(copies(fixture)).isEqualTo(CHOICES - 1);
    }

    @Test
    void aChoiceBegunBeforeWaitsForAPromptThatOthersForkFrom() {
        PreparedPrompt prompt = EngineFixture.text(40, 0);
        EngineFixture fixture = fixture(1024, 3, false);
        Sequence begun = new Sequence("r", 2, 0, 0, prompt, EngineFixture.endless(MAX_TOKENS), new int[3], 3);
        fixture.answers.resume(begun, begun.outputTokens(), "aaa");
        List.of(choice(prompt, 0, MAX_TOKENS), choice(prompt, 1, MAX_TOKENS), begun)
                .forEach(fixture.engine::add);
        fixture.runToEnd();
        assertThat(fixture.engine.stats().stepTokens()).isEqualTo(40 + 3 * (MAX_TOKENS - 1));
    }

    /** Scored prompts share the room for 64 scores a step, so some wait for it; their other choices do so, too. */
    @Test
    void choicesForkFromAScoredPromptAndOnlyTheFirstTellsItsLogprobs() {
        EngineFixture fixture = fixture(1024, 3 * CHOICES, true);
        List<Sequence> choices = new ArrayList<>();
        for (int request = 0; request < 3; request++) {
            int id = request;
            PreparedPrompt prompt = EngineFixture.text(100, 0);
            GenerationParams params = EngineFixture.endless(MAX_TOKENS).toBuilder()
                    .promptLogprobs(2)
                    .build();
            IntStream.range(0, CHOICES)
                    .mapToObj(i -> new Sequence("r" + id, i, id, 0, prompt, params, new int[0], 0))
                    .forEach(choices::add);
        }
        choices.forEach(fixture.engine::add);
        fixture.runToEnd();
        assertThat(fixture.engine.stats().stepTokens()).isEqualTo(3 * (100 + CHOICES * (MAX_TOKENS - 1)));
        choices.forEach(
                choice -> assertThat(fixture.answers.of(choice).promptLogprobs).hasSize(choice.choice() == 0 ? 99 : 0));
    }

    @Test
    void anAbortEndsEveryChoiceAndFreesItsBlocks() {
        EngineFixture fixture = fixture(1024, CHOICES, true);
        List<Sequence> choices = choices(EngineFixture.text(40, 0));
        choices.forEach(fixture.engine::add);
        usedAfterNextStep(fixture);
        fixture.engine.launchSteps();
        assertThat(fixture.engine.tryAbort("r")).isTrue();
        fixture.runToEnd();
        choices.forEach(choice -> assertThat(fixture.answers.of(choice).finish).isEqualTo(FinishReason.ABORT));
        assertThat(fixture.engine.stats().kvCacheUsage()).isZero();
    }

    private static EngineFixture fixture(int budget, int maxNumSeqs, boolean prefixCaching) {
        return new EngineFixture(
                new EngineConfig(
                        new Limits(budget, maxNumSeqs, 256),
                        Scheduling.DEFAULT.withPrefixCaching(prefixCaching).withStepsAhead(1)),
                EngineFixture.MANY_BLOCKS,
                EngineFixture.MEDIA_ROWS);
    }

    private static List<Sequence> choices(PreparedPrompt prompt) {
        return IntStream.range(0, CHOICES)
                .mapToObj(i -> choice(prompt, i, MAX_TOKENS))
                .toList();
    }

    private static Sequence choice(PreparedPrompt prompt, int choice, int maxTokens) {
        return new Sequence("r", choice, 0, 0, prompt, EngineFixture.endless(maxTokens), new int[0], 0);
    }

    private static long usedAfterNextStep(EngineFixture fixture) {
        fixture.engine.launchSteps();
        fixture.completeOldest();
        fixture.engine.checkIntegrity();
        return Math.round(fixture.engine.stats().kvCacheUsage() * (EngineFixture.MANY_BLOCKS - 1));
    }

    private static int copies(EngineFixture fixture) {
        return fixture.executor.batches().stream()
                .map(ForwardBatch::copyPairs)
                .mapToInt(pairs -> pairs.length / 2)
                .sum();
    }
}

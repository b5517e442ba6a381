package dev.millrace.operators.engine;

import static dev.millrace.operators.engine.EngineFixture.MANY_BLOCKS;
import static dev.millrace.operators.engine.EngineFixture.MEDIA_ROWS;
import static dev.millrace.operators.engine.EngineFixture.answer;
import static dev.millrace.operators.engine.EngineFixture.config;
import static dev.millrace.operators.engine.EngineFixture.endless;
import static dev.millrace.operators.engine.EngineFixture.fixture;
import static dev.millrace.operators.engine.EngineFixture.illustrated;
import static dev.millrace.operators.engine.EngineFixture.params;
import static dev.millrace.operators.engine.EngineFixture.picture;
import static dev.millrace.operators.engine.EngineFixture.sampling;
import static dev.millrace.operators.engine.EngineFixture.sequence;
import static dev.millrace.operators.engine.EngineFixture.text;
import static dev.millrace.operators.engine.EngineFixture.tokensPerStep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class InferenceEngineTest {

    @Test
    void anAnswerEndsAtItsLengthLimitAndNothingPastItIsLaunched() {
        EngineFixture fixture = fixture(64);
        Sequence sequence = sequence(1, text(20, 5), endless(5));
        fixture.engine.add(sequence);
        fixture.runToEnd();
        assertThat(fixture.answers.of(sequence).finish).isEqualTo(FinishReason.LENGTH);
        assertThat(fixture.answers.of(sequence).tokens.size()).isEqualTo(5);
        assertThat(tokensPerStep(fixture)).containsExactly(20, 1, 1, 1, 1);
    }

    @Test
    void anAnswerEndsWhereTheContextEnds() {
        EngineFixture fixture = fixture(300);
        Sequence sequence = sequence(1, text(250, 5), endless(1_000_000));
        fixture.engine.add(sequence);
        fixture.runToEnd();
        assertThat(fixture.answers.of(sequence).tokens.size()).isEqualTo(6);
    }

    @Test
    void stopTokensEndAnAnswerInTheirOrder() {
        EngineFixture fixture = fixture(64);
        String whole = answer(fixture, text(20, 5), endless(4));
        int[] tokens = tokens(fixture);
        EngineFixture again = fixture(64);
        Sequence stopped = sequence(1, text(20, 5), stopping(new int[] {tokens[1]}, new int[0]));
        Sequence ended = sequence(2, text(20, 5), stopping(new int[0], new int[] {tokens[1]}));
        again.engine.add(stopped);
        again.engine.add(ended);
        again.runToEnd();
        assertThat(again.answers.of(stopped).finish).isEqualTo(FinishReason.STOP);
        assertThat(again.answers.of(stopped).stopReason).isEqualTo(tokens[1]);
        assertThat(again.answers.of(ended).finish).isEqualTo(FinishReason.STOP);
        assertThat(again.answers.of(ended).stopReason).isNull();
        assertThat(whole).startsWith(again.answers.of(ended).text);
    }

    private static int[] tokens(EngineFixture fixture) {
        return fixture.answers.only().tokens.toArray(0);
    }

    private static GenerationParams stopping(int[] stopTokens, int[] endTokens) {
        return GenerationParams.builder(sampling(1, 0), 9)
                .stopTokenIds(stopTokens)
                .eosTokenIds(endTokens)
                .build();
    }

    @Test
    void answersAloneAndTogetherAreTheSame() {
        EngineFixture together = fixture(64);
        Sequence[] sequences = IntStream.range(0, 20)
                .mapToObj(i -> sequence(i, text(10 + i, i % 3), params(30)))
                .toArray(Sequence[]::new);
        for (Sequence sequence : sequences) {
            together.engine.add(sequence);
        }
        together.runToEnd();
        for (int i = 0; i < sequences.length; i++) {
            assertThat(together.answers.of(sequences[i]).text.toString())
                    .isEqualTo(answer(fixture(64), text(10 + i, i % 3), params(30)));
        }
    }

    @Test
    void chunksDoNotChangeTheAnswerNorDoesAPictureAcrossTheirBorder() {
        PreparedPrompt prompt = illustrated(10, picture(1, 4, 5), 30);
        String whole = answer(fixture(200), prompt, endless(20));
        EngineFixture chunked = fixture(16);
        assertThat(answer(chunked, prompt, endless(20))).isEqualTo(whole);
        assertThat(tokensPerStep(chunked)).startsWith(16, 16, 16, 12, 1);
        assertThat(chunked.executor.encoderBatches()).hasSize(1);
    }

    @Test
    void preemptionDoesNotChangeTheAnswer() {
        EngineFixture scarce = new EngineFixture(config(64, 8, Policy.FCFS, 2), 17, MEDIA_ROWS);
        Sequence[] sequences = IntStream.range(0, 6)
                .mapToObj(i -> sequence(i, text(33, i), endless(60)))
                .toArray(Sequence[]::new);
        for (Sequence sequence : sequences) {
            scarce.engine.add(sequence);
        }
        scarce.runToEnd();
        assertThat(scarce.engine.stats().numPreemptions()).isPositive();
        for (int i = 0; i < 6; i++) {
            assertThat(scarce.answers.of(sequences[i]).text.toString())
                    .isEqualTo(answer(fixture(64), text(33, i), endless(60)));
        }
    }

    @Test
    void aCachedPrefixDoesNotChangeTheAnswer() {
        EngineFixture fixture = fixture(200);
        PreparedPrompt prompt = illustrated(10, picture(1, 4, 5), 35);
        String first = answer(fixture, prompt, endless(20));
        Sequence second = sequence(2, prompt, endless(20));
        fixture.engine.add(second);
        fixture.runToEnd();
        assertThat(fixture.answers.of(second).text.toString()).isEqualTo(first);
        assertThat(second.cachedTokens()).isEqualTo(64);
        assertThat(fixture.engine.stats().prefixCacheHits()).isEqualTo(64);
        assertThat(fixture.engine.stats().prefixCacheQueries()).isEqualTo(130);
    }

    @Test
    void theLastTokenOfAPromptIsAlwaysComputed() {
        EngineFixture fixture = fixture(200);
        answer(fixture, text(64, 1), endless(20));
        Sequence second = sequence(2, text(64, 1), endless(20));
        fixture.engine.add(second);
        fixture.runToEnd();
        assertThat(second.cachedTokens()).isEqualTo(48);
    }

    @Test
    void aPrefixIsNotSharedWithinTheStepThatWritesIt() {
        EngineFixture fixture = fixture(200);
        Sequence first = sequence(1, text(40, 1), endless(5));
        Sequence second = sequence(2, text(40, 1), endless(5));
        fixture.engine.add(first);
        fixture.engine.add(second);
        fixture.runToEnd();
        assertThat(second.cachedTokens()).isZero();
        assertThat(tokensPerStep(fixture)).startsWith(80);
    }

    @Test
    void whatCanNeverRunIsRefusedWhenItComes() {
        EngineFixture fixture = new EngineFixture(config(100, 8, Policy.FCFS, 2), MANY_BLOCKS, 19);
        assertRefused(fixture, sequence(1, illustrated(3, picture(1, 4, 5), 5), endless(2)), "20 tokens", "19");
        assertRefused(fixture, sequence(1, text(256, 0), endless(2)), "256 tokens", "max-model-len");
        assertRefused(fixture, sequence(1, text(0, 0), endless(2)), "empty");
        assertThat(fixture.engine.isIdle()).isTrue();
    }

    @Test
    void aRequestIdInUseIsRefusedUntilItIsAnswered() {
        EngineFixture fixture = fixture(100);
        fixture.engine.add(sequence(1, text(5, 0), endless(2)));
        assertRefused(fixture, sequence(1, text(6, 0), endless(2)), "r1");
        fixture.runToEnd();
        fixture.engine.add(sequence(1, text(6, 0), endless(2)));
        fixture.runToEnd();
    }

    private static void assertRefused(EngineFixture fixture, Sequence sequence, String... words) {
        assertThatThrownBy(() -> fixture.engine.add(sequence))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll(words);
    }

    @Test
    void aCacheTooSmallForTheLongestSequenceIsRefused() {
        assertThatThrownBy(() -> new EngineFixture(config(64, 8, Policy.FCFS, 2), 16, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("max-model-len is 256", "240");
    }

    @Test
    void aPromptGoesWholeWhereChunksAreOff() {
        EngineConfig whole = new EngineConfig(
                new Limits(256, 8, 256),
                Scheduling.DEFAULT.withChunkedPrefill(false).withLongPrefillTokenThreshold(10));
        EngineFixture fixture = new EngineFixture(whole, MANY_BLOCKS, MEDIA_ROWS);
        fixture.engine.add(sequence(1, text(200, 0), endless(2)));
        fixture.engine.add(sequence(2, text(100, 1), endless(2)));
        fixture.runToEnd();
        assertThat(tokensPerStep(fixture)).containsExactly(200, 1 + 100, 1);
    }

    @Test
    void aLongPromptLeavesTheStepToOthers() {
        EngineConfig config = new EngineConfig(
                new Limits(64, 8, 256),
                Scheduling.DEFAULT.withLongPrefillTokenThreshold(20).withStepsAhead(1));
        EngineFixture fixture = new EngineFixture(config, MANY_BLOCKS, MEDIA_ROWS);
        fixture.engine.add(sequence(1, text(50, 0), endless(2)));
        fixture.engine.add(sequence(2, text(10, 1), endless(2)));
        fixture.runToEnd();
        assertThat(tokensPerStep(fixture)).containsExactly(30, 21, 10, 1);
    }

    @Test
    void theNextStepIsLaunchedBeforeTheLastIsHandled() {
        EngineFixture fixture = fixture(64);
        fixture.engine.add(sequence(1, text(20, 0), endless(9)));
        assertThat(fixture.engine.launchSteps()).isTrue();
        assertThat(fixture.executor.batches()).hasSize(2);
        assertThat(fixture.executor.batches().get(1).ids()).containsExactly(ForwardBatch.LAST_SAMPLED);
        assertThat(fixture.engine.launchSteps()).isFalse();
        fixture.runToEnd();
    }

    @Test
    void aSequenceWithLongBadWordsWaitsForItsTokensAndNeverSaysThem() {
        EngineFixture free = fixture(64);
        answer(free, text(20, 5), endless(9));
        int[] said = tokens(free);
        GenerationParams params = GenerationParams.builder(sampling(1, 0), 9)
                .badWords(List.of(new int[] {said[3], said[4]}))
                .build();
        EngineFixture fixture = fixture(64);
        fixture.engine.add(sequence(1, text(20, 5), params));
        fixture.engine.launchSteps();
        assertThat(fixture.executor.batches()).hasSize(1);
        fixture.runToEnd();
        assertThat(Arrays.copyOf(tokens(fixture), 4)).isEqualTo(Arrays.copyOf(said, 4));
        assertThat(tokens(fixture)[4]).isNotEqualTo(said[4]);
    }

    @Test
    void theLessImportantWaitsAndIsPreempted() {
        EngineFixture fixture = new EngineFixture(config(64, 8, Policy.PRIORITY, 1), 17, MEDIA_ROWS);
        Sequence casual = new Sequence("casual", 0, 1, 9, text(60, 0), endless(100), new int[0], 0);
        Sequence urgent = new Sequence("urgent", 0, 2, 0, text(60, 1), endless(100), new int[0], 0);
        fixture.engine.add(casual);
        fixture.tryTurn();
        fixture.engine.add(urgent);
        while (!fixture.answers.isFinished(urgent)) {
            fixture.tryTurn();
        }
        assertThat(fixture.engine.stats().numPreemptions()).isEqualTo(1);
        assertThat(fixture.answers.isFinished(casual)).isFalse();
        fixture.runToEnd();
    }

    @Test
    void nobodyIsAdmittedInAStepThatPreempted() {
        EngineFixture first = twoThatOutgrowTheCache();
        int turns = 0;
        while (first.engine.stats().numPreemptions() == 0) {
            first.tryTurn();
            turns++;
        }
        EngineFixture again = twoThatOutgrowTheCache();
        for (int i = 1; i < turns; i++) {
            again.tryTurn();
        }
        again.engine.add(new Sequence("urgent", 0, 3, 0, text(20, 2), endless(5), new int[0], 0));
        again.tryTurn();
        assertThat(again.engine.stats().numPreemptions()).isEqualTo(1);
        assertThat(again.executor.batches().get(turns - 1).assignments()).isEmpty();
        again.tryTurn();
        assertThat(again.executor.batches().get(turns).assignments()).hasSize(1);
        again.runToEnd();
    }

    private static EngineFixture twoThatOutgrowTheCache() {
        EngineFixture fixture = new EngineFixture(config(128, 8, Policy.PRIORITY, 1), 17, MEDIA_ROWS);
        fixture.engine.add(new Sequence("casual", 0, 1, 1, text(60, 0), endless(150), new int[0], 0));
        fixture.engine.add(new Sequence("idle", 0, 2, 9, text(60, 1), endless(150), new int[0], 0));
        return fixture;
    }

    @Test
    void anAbortedSequenceKeepsItsBlocksUntilNothingOfItIsInFlight() {
        EngineFixture fixture = fixture(64);
        Sequence sequence = sequence(1, text(20, 0), endless(9));
        fixture.engine.add(sequence);
        fixture.engine.launchSteps();
        assertThat(fixture.engine.tryAbort("r1")).isTrue();
        assertThat(fixture.engine.tryAbort("r1")).isFalse();
        assertThat(fixture.answers.of(sequence).finish).isEqualTo(FinishReason.ABORT);
        assertThat(fixture.engine.stats().kvCacheUsage()).isPositive();
        fixture.completeOldest();
        assertThat(fixture.engine.stats().kvCacheUsage()).isPositive();
        fixture.completeOldest();
        assertThat(fixture.engine.stats().kvCacheUsage()).isZero();
        assertThat(fixture.engine.isIdle()).isTrue();
    }

    @Test
    void aRestoredSequenceContinuesItsAnswer() {
        PreparedPrompt prompt = illustrated(10, picture(1, 4, 5), 30);
        EngineFixture undisturbed = fixture(64);
        String whole = answer(undisturbed, prompt, endless(20));
        int[] tokens = tokens(undisturbed);
        Sequence restored = new Sequence(
                "r", 0, 1, 0, prompt, endless(20), IntStream.of(tokens).limit(7).toArray(), 9);
        EngineFixture fixture = fixture(64);
        fixture.answers.resume(restored, IntStream.of(tokens).limit(7).toArray(), whole.substring(0, 9));
        fixture.engine.add(restored);
        fixture.runToEnd();
        assertThat(fixture.answers.of(restored).text.toString()).isEqualTo(whole);
        assertThat(fixture.answers.of(restored).tokens.toArray(0)).isEqualTo(tokens);
    }

    @Test
    void positionsAreSlicedByTokenIndex() {
        PreparedPrompt prompt = illustrated(10, picture(1, 4, 5), 30);
        EngineFixture fixture = fixture(16);
        answer(fixture, prompt, endless(5));
        int index = 0;
        for (ForwardBatch batch : fixture.executor.batches()) {
            for (int i = 0; i < batch.numTokens(); i++, index++) {
                for (int axis = 0; axis < 3; axis++) {
                    assertThat(batch.positions()[axis * batch.numTokens() + i])
                            .isEqualTo(prompt.positions().at(axis, index));
                }
            }
        }
        assertThat(index).isEqualTo(60 + 4);
    }

    @Test
    void aSequenceTellsWhenItCameHowFar() {
        EngineFixture fixture = fixture(64);
        Sequence sequence = sequence(1, text(20, 0), endless(3));
        fixture.engine.add(sequence);
        fixture.runToEnd();
        var timeline = sequence.timeline();
        assertThat(List.of(timeline.added(), timeline.firstScheduled(), timeline.firstToken(), timeline.lastToken()))
                .isSorted()
                .doesNotHaveDuplicates()
                .doesNotContain(0L);
    }
}

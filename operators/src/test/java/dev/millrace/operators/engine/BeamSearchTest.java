package dev.millrace.operators.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.scheduler.Speculation;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.BeamSearch;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Hypothesis;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A beam search finds what a plain one finds that computes every beam anew, whatever shares its steps and blocks. */
class BeamSearchTest {

    private static final PreparedPrompt PROMPT = EngineFixture.text(40, 0);

    @Test
    void answersAreThoseOfAPlainSearch() {
        Random random = new Random(5);
        for (int i = 0; i < 150; i++) {
            PreparedPrompt prompt = EngineFixture.text(1 + random.nextInt(50), i);
            GenerationParams params = params(random);
            EngineFixture fixture = fixture(random);
            List<Sequence> answers = search(fixture, "r", prompt, params);
            for (int other = random.nextInt(4); other > 0; other--) {
                fixture.engine.add(EngineFixture.sequence(other, EngineFixture.text(30, i), EngineFixture.endless(20)));
            }
            fixture.runToEnd();
            assertAnswers(fixture, answers, PlainBeams.search(prompt.tokenIds(), params));
        }
    }

    @Test
    void searchesThatNeedMoreRowsThanThereAreTakeTurns() {
        for (int rows : new int[] {1, 2, 3, 5}) {
            EngineFixture fixture = new EngineFixture(
                    EngineFixture.config(64, rows, Policy.FCFS, 2),
                    EngineFixture.MANY_BLOCKS,
                    EngineFixture.MEDIA_ROWS);
            List<List<Sequence>> searches = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                searches.add(search(fixture, "r" + i, EngineFixture.text(20, i), beams(4, 12)));
            }
            fixture.runToEnd();
            for (int i = 0; i < 3; i++) {
                int[] prompt = EngineFixture.text(20, i).tokenIds();
                assertAnswers(fixture, searches.get(i), PlainBeams.search(prompt, beams(4, 12)));
            }
        }
    }

    @Test
    void searchesThatNeedMoreBlocksThanThereAreTakeTurns() {
        EngineFixture fixture = new EngineFixture(
                new EngineConfig(new Limits(64, 8, 96), Scheduling.DEFAULT.withStepsAhead(1)),
                8,
                EngineFixture.MEDIA_ROWS);
        List<List<Sequence>> searches = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            searches.add(search(fixture, "r" + i, EngineFixture.text(50, i), beams(4, 40)));
        }
        fixture.runToEnd();
        assertThat(fixture.engine.stats().numPreemptions()).isPositive();
        for (int i = 0; i < 3; i++) {
            int[] prompt = EngineFixture.text(50, i).tokenIds();
            assertAnswers(fixture, searches.get(i), PlainBeams.search(prompt, beams(4, 40)));
        }
    }

    /** 40 tokens are 2 full blocks and one in part: each beam takes one of its own for what differs, never more. */
    @Test
    void beamsShareThePromptAndWhatTheyHaveInCommon() {
        EngineFixture fixture = new EngineFixture(
                EngineFixture.config(1024, 8, Policy.FCFS, 1), EngineFixture.MANY_BLOCKS, EngineFixture.MEDIA_ROWS);
        search(fixture, "r", PROMPT, beams(4, 8));
        for (int tokens = 0; tokens < 8; tokens++) {
            fixture.engine.launchSteps();
            fixture.completeOldest();
            fixture.engine.checkIntegrity();
            assertThat(Math.round(fixture.engine.stats().kvCacheUsage() * (EngineFixture.MANY_BLOCKS - 1)))
                    .isLessThanOrEqualTo(tokens == 0 ? 3 : tokens == 7 ? 0 : 2 + 4);
        }
        fixture.runToEnd();
        assertThat(fixture.engine.stats().stepTokens()).isEqualTo(40 + 7 * 4);
    }

    @Test
    void picturesAreEncodedOnceForAllBeams() {
        PreparedPrompt prompt = EngineFixture.illustrated(5, EngineFixture.picture(3, 4, 5), 9);
        EngineFixture fixture = EngineFixture.fixture(64);
        List<Sequence> answers = search(fixture, "r", prompt, beams(4, 20));
        fixture.runToEnd();
        assertThat(fixture.executor.encoderBatches()).hasSize(1);
        assertThat(fixture.engine.stats().stepTokens()).isEqualTo(prompt.tokenIds().length + 19 * 4);
        assertThat(answers)
                .allSatisfy(answer ->
                        assertThat(fixture.answers.of(answer).tokens.size()).isEqualTo(20));
    }

    @Test
    void aSearchGoesOnFromWhatItHadFound() {
        Random random = new Random(8);
        int continued = 0;
        for (int i = 0; i < 60; i++) {
            GenerationParams params = params(random);
            EngineFixture before = fixture(random);
            BeamSearch search = new BeamSearch(answers("r", PROMPT, params), List.of());
            before.engine.add(search);
            for (int turns = random.nextInt(40); turns > 0; turns--) {
                before.tryTurn();
            }
            if (before.answers.isFinished(search.answers().get(0))) {
                continue;
            }
            List<Hypothesis> found = search.found();
            continued += found.size() > 1 ? 1 : 0;
            EngineFixture after = fixture(random);
            BeamSearch restored = new BeamSearch(answers("r", PROMPT, params), found);
            after.engine.add(restored);
            after.runToEnd();
            assertAnswers(after, restored.answers(), PlainBeams.search(PROMPT.tokenIds(), params));
        }
        assertThat(continued).isGreaterThan(15);
    }

    @Test
    void logprobsAreThoseOfEachTokenAndAsManyCandidatesAsAreAskedFor() {
        int[] asked = {0, 3, 12};
        for (int count : asked) {
            GenerationParams params = withLogprobs(count).withBeams(new BeamParams(3, 1, false));
            EngineFixture fixture = EngineFixture.fixture(64);
            List<Sequence> answers = search(fixture, "r", PROMPT, params);
            fixture.runToEnd();
            for (Sequence answer : answers) {
                var told = fixture.answers.of(answer);
                int[] text = Arrays.copyOf(PROMPT.tokenIds(), PROMPT.tokenIds().length + told.tokens.size());
                for (int i = 0; i < told.tokens.size(); i++) {
                    text[40 + i] = told.tokens.get(i);
                    SampleLogprobs all = RememberingExecutor.candidates(Arrays.copyOf(text, 40 + i), 50);
                    SampleLogprobs token = told.logprobs.get(i);
                    assertThat(token.topIds()).isEqualTo(Arrays.copyOf(all.topIds(), count));
                    assertThat(all.topIds()[token.rank() - 1]).isEqualTo(told.tokens.get(i));
                    assertThat(token.logprob()).isEqualTo(all.topLogprobs()[token.rank() - 1]);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 12, 30})
    void anAbortEndsEveryAnswerAndFreesItsBlocks(int turns) {
        EngineFixture fixture = EngineFixture.fixture(16);
        List<Sequence> answers = search(fixture, "r", PROMPT, beams(4, 60));
        for (int i = 0; i < turns; i++) {
            fixture.tryTurn();
        }
        fixture.engine.launchSteps();
        assertThat(fixture.engine.tryAbort("r")).isTrue();
        fixture.runToEnd();
        answers.forEach(answer -> assertThat(fixture.answers.of(answer).finish).isEqualTo(FinishReason.ABORT));
        assertThat(fixture.engine.stats().kvCacheUsage()).isZero();
        assertThat(fixture.engine.tryAbort("r")).isFalse();
    }

    @Test
    void anIdIsAnsweredOnceAtATime() {
        EngineFixture fixture = EngineFixture.fixture(64);
        Sequence drawn = EngineFixture.sequence(1, PROMPT, EngineFixture.endless(4));
        search(fixture, "r1", PROMPT, beams(2, 4));
        assertThatThrownBy(() -> fixture.engine.add(drawn)).isInstanceOf(InvalidInputException.class);
        assertThatThrownBy(() -> search(fixture, "r1", PROMPT, beams(2, 4))).isInstanceOf(InvalidInputException.class);
        fixture.runToEnd();
        fixture.engine.add(drawn);
        assertThatThrownBy(() -> search(fixture, "r1", PROMPT, beams(2, 4))).isInstanceOf(InvalidInputException.class);
        fixture.runToEnd();
    }

    @Test
    void aSearchThatCannotGetBetterEndsBeforeItsLimit() {
        GenerationParams ending = EngineFixture.params(200).withBeams(new BeamParams(4, 1, false));
        EngineFixture fixture = EngineFixture.fixture(64);
        search(fixture, "r", PROMPT, ending);
        fixture.runToEnd();
        GenerationParams early = EngineFixture.params(200).withBeams(new BeamParams(4, 1, true));
        EngineFixture earlier = EngineFixture.fixture(64);
        search(earlier, "r", PROMPT, early);
        earlier.runToEnd();
        assertThat(earlier.engine.stats().steps())
                .isLessThan(fixture.engine.stats().steps());
        for (ForwardBatch batch : earlier.executor.batches()) {
            assertThat(batch.target()).as("no token is drawn").doesNotContain(ForwardBatch.DRAWN);
        }
    }

    private static void assertAnswers(EngineFixture fixture, List<Sequence> answers, List<int[]> expected) {
        List<int[]> actual = answers.stream()
                .map(answer -> fixture.answers.of(answer).tokens.toArray(0))
                .toList();
        assertThat(actual).usingRecursiveComparison().isEqualTo(expected);
        for (Sequence answer : answers) {
            var told = fixture.answers.of(answer);
            int last = told.tokens.get(told.tokens.size() - 1);
            boolean ends = answer.params().eosTokenIds().length > 0 && last == EngineFixture.END;
            assertThat(told.finish).isEqualTo(ends ? FinishReason.STOP : FinishReason.LENGTH);
            assertThat(told.text.toString())
                    .isEqualTo(new LetterTokenizer()
                            .decode(Arrays.copyOf(told.tokens.toArray(0), told.tokens.size() - (ends ? 1 : 0)), true));
        }
    }

    private static List<Sequence> search(
            EngineFixture fixture, String id, PreparedPrompt prompt, GenerationParams params) {
        BeamSearch search = new BeamSearch(answers(id, prompt, params), List.of());
        fixture.engine.add(search);
        return search.answers();
    }

    private static List<Sequence> answers(String id, PreparedPrompt prompt, GenerationParams params) {
        return IntStream.range(0, params.beams().width())
                .mapToObj(i -> new Sequence(id, i, 3, 0, prompt, params, new int[0], 0))
                .toList();
    }

    private static EngineFixture fixture(Random random) {
        EngineConfig config = new EngineConfig(
                new Limits(4 + random.nextInt(60), 1 + random.nextInt(8), 128),
                Scheduling.DEFAULT
                        .withPrefixCaching(random.nextBoolean())
                        .withStepsAhead(1 + random.nextInt(3))
                        .withSpeculation(random.nextInt(3) == 0 ? new Speculation(3, 1, 3) : Speculation.NONE));
        return new EngineFixture(config, 9 + random.nextInt(20), EngineFixture.MEDIA_ROWS);
    }

    /** Without an end of sequence. */
    private static GenerationParams beams(int width, int maxTokens) {
        return EngineFixture.endless(maxTokens).withBeams(new BeamParams(width, 1, false));
    }

    private static GenerationParams params(Random random) {
        int maxTokens = 1 + random.nextInt(40);
        GenerationParams plain =
                random.nextInt(3) == 0 ? EngineFixture.endless(maxTokens) : EngineFixture.params(maxTokens);
        double penalty = new double[] {1, 0, 0.5, 2, -1}[random.nextInt(5)];
        return plain.withBeams(new BeamParams(1 + random.nextInt(5), penalty, random.nextInt(3) == 0));
    }

    private static GenerationParams withLogprobs(int count) {
        return GenerationParams.builder(EngineFixture.sampling(1, 0), 10)
                .logprobs(count)
                .build();
    }
}

package dev.millrace.operators.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.scheduler.Speculation;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What guesses take of steps and blocks. */
class GuessingTest {

    private static final int GUESSES = 10;

    @Test
    void nothingPastALengthLimitIsGuessed() {
        EngineFixture fixture = fixture(64, 8);
        PreparedPrompt prompt = EngineFixture.text(20, 3);
        Sequence sequence = EngineFixture.sequence(0, prompt, endless(6, 1));
        fixture.engine.add(sequence);
        fixture.runToEnd();
        assertThat(fixture.answers.of(sequence).tokens.size()).isEqualTo(6);
        assertThat(fixture.executor.batches())
                .allSatisfy(batch -> assertThat(batch.contextLength()[0]).isLessThan(20 + 6));
        assertThat(fixture.engine.stats().speculation().numDraftTokens()).isPositive();
    }

    @Test
    void guessesLeaveEachSequenceBehindThemAToken() {
        EngineFixture fixture = fixture(6, 4);
        for (int i = 0; i < 4; i++) {
            fixture.engine.add(EngineFixture.sequence(i, EngineFixture.text(2, i), endless(30, i)));
        }
        fixture.runToEnd();
        assertThat(fixture.executor.batches())
                .filteredOn(batch -> batch.draft() != null && batch.draft().mostDrafts() > 0)
                .first()
                .satisfies(batch -> {
                    assertThat(batch.numSequences()).isEqualTo(4);
                    assertThat(batch.draft().drafts()).containsExactly(2, 0, 0, 0);
                });
    }

    @Test
    void thoseThatGuessGoInOneStepAndTheOthersRunAhead() {
        EngineFixture fixture = fixture(64, 4);
        GenerationParams endless = endless(30, 1);
        GenerationParams plain =
                GenerationParams.builder(endless.sampling(), 30).logprobs(0).build();
        fixture.engine.add(EngineFixture.sequence(0, EngineFixture.text(20, 0), endless));
        fixture.engine.add(EngineFixture.sequence(1, EngineFixture.text(20, 1), plain));
        fixture.engine.launchSteps();
        fixture.engine.add(EngineFixture.sequence(2, EngineFixture.text(20, 2), endless));
        fixture.runToEnd();
        assertThat(fixture.executor.batches())
                .anySatisfy(batch -> assertThat(batch.ids()).contains(ForwardBatch.LAST_SAMPLED))
                .filteredOn(batch -> batch.draft() != null && batch.draft().mostDrafts() > 0)
                .first()
                .satisfies(batch -> assertThat(batch.draft().numSequences()).isEqualTo(2));
    }

    /** Each guess of a lookup is asked for afterwards, behind what it was made behind. */
    @Test
    void whatWasGuessedWronglyIsNotFoundInThePrefixCache() {
        int asked = 0;
        for (int seed = 0; seed < 40; seed++) {
            EngineFixture fixture = fixture(64, 4, new Speculation(GUESSES, 1, 1));
            Sequence guessing = EngineFixture.sequence(0, EngineFixture.text(20, seed), endless(60, seed));
            fixture.engine.add(guessing);
            fixture.runToEnd();
            for (ForwardBatch batch : List.copyOf(fixture.executor.batches())) {
                if (batch.contextLength()[0] > 20 && batch.ids().length > 1) {
                    PreparedPrompt prompt = guess(guessing, batch);
                    Sequence next = EngineFixture.sequence(++asked, prompt, endless(4, seed));
                    fixture.engine.add(next);
                    fixture.runToEnd();
                    assertThat(fixture.answers.of(next).text.toString())
                            .isEqualTo(EngineFixture.answer(EngineFixture.fixture(64), prompt, endless(4, seed)));
                }
            }
        }
        assertThat(asked).isGreaterThan(100);
    }

    /** All that a step computed of a sequence, what it guessed included, and one token more. */
    private static PreparedPrompt guess(Sequence sequence, ForwardBatch batch) {
        int known = batch.contextLength()[0] - batch.ids().length;
        int[] tokens = new int[batch.contextLength()[0] + 1];
        sequence.tokens().copyTo(0, tokens, 0, known);
        System.arraycopy(batch.ids(), 0, tokens, known, batch.ids().length);
        return PreparedPrompt.text(tokens);
    }

    private static EngineFixture fixture(int budget, int maxNumSeqs) {
        return fixture(budget, maxNumSeqs, Speculation.draftModel(GUESSES));
    }

    private static EngineFixture fixture(int budget, int maxNumSeqs, Speculation speculation) {
        EngineConfig config = EngineFixture.config(budget, maxNumSeqs, Policy.FCFS, 2);
        return new EngineFixture(
                new EngineConfig(config.limits(), config.scheduling().withSpeculation(speculation)),
                EngineFixture.MANY_BLOCKS,
                EngineFixture.MEDIA_ROWS);
    }

    /** Parameters of an answer that nothing but its length ends. */
    private static GenerationParams endless(int maxTokens, int seed) {
        return GenerationParams.builder(EngineFixture.sampling(seed, 0), maxTokens)
                .build();
    }
}

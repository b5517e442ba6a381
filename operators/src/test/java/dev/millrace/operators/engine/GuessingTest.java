package dev.millrace.operators.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.scheduler.Speculation;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
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

    private static EngineFixture fixture(int budget, int maxNumSeqs) {
        EngineConfig config = EngineFixture.config(budget, maxNumSeqs, Policy.FCFS, 2);
        return new EngineFixture(
                new EngineConfig(config.limits(), config.scheduling().withSpeculation(Speculation.draftModel(GUESSES))),
                EngineFixture.MANY_BLOCKS,
                EngineFixture.MEDIA_ROWS);
    }

    /** Parameters of an answer that nothing but its length ends. */
    private static GenerationParams endless(int maxTokens, int seed) {
        return GenerationParams.builder(EngineFixture.sampling(seed, 0), maxTokens)
                .build();
    }
}

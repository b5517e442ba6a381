package dev.millrace.operators.sequence;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.kvcache.BlockHasher;
import dev.millrace.operators.sequence.BeamSearch.Growth;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** When a search is over, and which answers are best, on log-probabilities made for it. */
class BeamSearchTest {

    private static final int END = 9;
    private static final int PROMPT = 10;
    private static final int MAX_TOKENS = 10;

    @Test
    void anAnswerThatMayStillGetBetterWithItsLengthGoesOn() {
        BeamSearch search = search(new BeamParams(1, 1, false));
        step(search, next(END, -1f, 1, -1.2f)); // -1/10 has ended, -1.2/11 goes on, perhaps to -1.2/20
        assertThat(search.isOver()).isFalse();
        step(search, next(2, -0.1f, 3, -5f));
        assertThat(search.isOver()).isFalse();
        step(search, next(3, -0.8f, 4, -5f)); // no more than -2.1/20 now
        assertThat(search.isOver()).isTrue();
        assertThat(search.best().get(0).tokens()).containsExactly(END);
    }

    @Test
    void anAnswerThatCanOnlyGetWorseWithItsLengthDoesNotGoOn() {
        for (double penalty : new double[] {0, -1}) {
            BeamSearch search = search(new BeamParams(1, penalty, false));
            step(search, next(END, -1f, 1, -1.2f));
            assertThat(search.isOver()).isTrue();
            assertThat(search.best().get(0).ended()).isTrue();
        }
    }

    @Test
    void anEarlyStopTakesTheAnswersThatHaveEnded() {
        BeamSearch search = search(new BeamParams(1, 1, true));
        step(search, next(1, -0.1f, END, -3f));
        assertThat(search.isOver()).isTrue();
        assertThat(search.best().get(0).tokens()).containsExactly(END);
        assertThat(search.best().get(0).cumulativeLogprob()).isEqualTo(-3);
    }

    @Test
    void theLimitEndsASearchWithWhatHasNotEnded() {
        BeamSearch search = search(new BeamParams(1, 1, false));
        for (int i = 0; i < MAX_TOKENS; i++) {
            assertThat(search.isOver()).isFalse();
            step(search, next(i % 5, -0.125f, 8, -4f));
        }
        assertThat(search.isOver()).isTrue();
        Hypothesis best = search.best().get(0);
        assertThat(best.ended()).isFalse();
        assertThat(best.tokens()).containsExactly(0, 1, 2, 3, 4, 0, 1, 2, 3, 4);
        assertThat(best.cumulativeLogprob()).isEqualTo(-1.25);
    }

    /** Beams (1) and (2); both continuations of (2) are better than those of (1), whose sequence is dropped. */
    @Test
    void aBeamWhoseContinuationsAreWorseGivesItsPlaceToAForkOfABetterOne() {
        BeamSearch search = search(new BeamParams(2, 1, false));
        Growth first = step(search, next(1, -1f, 2, -1.5f, 3, -7f, 4, -8f));
        assertThat(first.forked()).hasSize(1);
        Sequence one = first.grown().get(0);
        Sequence two = first.forked().get(0);
        Growth second = step(search, next(3, -2f, 4, -3f, 5, -4f, 6, -5f), next(6, -0.25f, 7, -0.5f, 1, -9f, 2, -9f));
        assertThat(second.dropped()).containsExactly(one);
        assertThat(second.grown()).containsExactly(two);
        assertThat(two.outputTokens()).containsExactly(2, 6);
        Sequence fork = second.forked().get(0);
        assertThat(fork.outputTokens()).containsExactly(2, 7);
        assertThat(fork.choice()).isEqualTo(one.choice());
    }

    private static Growth step(BeamSearch search, SampleLogprobs... next) {
        List<Sequence> beams = search.beams();
        for (int i = 0; i < next.length; i++) {
            assertThat(search.tryComplete(beams.get(i), next[i])).isEqualTo(i == next.length - 1);
        }
        return search.grow();
    }

    /** Tokens and their log-probabilities, in turn. */
    private static SampleLogprobs next(double... candidates) {
        int[] ids = new int[candidates.length / 2];
        float[] logprobs = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (int) candidates[2 * i];
            logprobs[i] = (float) candidates[2 * i + 1];
        }
        return new SampleLogprobs(0, 1, ids, logprobs);
    }

    private static BeamSearch search(BeamParams beams) {
        PreparedPrompt prompt = PreparedPrompt.text(new int[PROMPT]);
        GenerationParams params = GenerationParams.builder(SamplingParams.greedy(), MAX_TOKENS)
                .eosTokenIds(END)
                .beams(beams)
                .build();
        List<Sequence> answers = IntStream.range(0, beams.width())
                .mapToObj(i -> new Sequence("r", i, 0, 0, prompt, params, new int[0], 0))
                .toList();
        answers.forEach(answer -> answer.enter(null, new BlockHasher(16), 100, false));
        return new BeamSearch(answers, List.of());
    }
}

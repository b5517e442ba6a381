package dev.millrace.gpu.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.ForwardBatch;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Steps with drafts: how they are computed, what they draw, what of them is refused. */
class DraftStepTest {

    private static final int[] NONE = {};
    private static final int D = ForwardBatch.DRAFTED;

    private final StepLimits limits = new StepLimits(16, 4, 400, 99, 0, 100, 3);

    /** Row 1 brings a token and two drafts, row 3 a chunk of its prompt, row 0 a token alone. */
    private static ForwardBatch step(int context, DraftBatch draft, int... drafted) {
        int[] ids = {7, 11, 12, 20, 21, 22, 5};
        System.arraycopy(drafted, 0, ids, 1, drafted.length);
        return new ForwardBatch(
                0,
                ids,
                IntStream.generate(() -> -1).limit(7).toArray(),
                new int[21],
                new int[] {0, 3, 6, 7},
                new int[] {context, 3, 9},
                new int[] {1, 3, 0},
                new int[] {0, 1, 2, 6},
                new int[] {1, 1, 1, 0},
                new int[] {-1, -1, -1, -1},
                new int[] {-1, -1, -1, -1},
                NONE,
                NONE,
                new int[0][],
                NONE,
                NONE,
                List.of(),
                false,
                draft);
    }

    private static DraftBatch draft(int row, int drafts) {
        return new DraftBatch(
                new int[] {11, 200, 20}, new int[] {0, 2, 3}, new int[] {31, 1}, new int[] {row, 3}, new int[] {
                    drafts, 0
                });
    }

    /** Without masks. */
    private static int[] draws(int... fours) {
        int[] draws = new int[2 * fours.length];
        for (int i = 0; i < fours.length; i += 4) {
            System.arraycopy(fours, i, draws, 2 * i, 4);
            draws[2 * i + 4] = -1;
        }
        return draws;
    }

    @Test
    void eachTokenOfAVerifiedSequenceBecomesASequence() {
        ForwardBatch single = SingleTokens.of(step(33, null));
        assertThat(single.cuQ()).containsExactly(0, 1, 2, 3, 6, 7);
        assertThat(single.contextLength()).containsExactly(31, 32, 33, 3, 9);
        assertThat(single.row()).containsExactly(1, 1, 1, 3, 0);
        assertThat(single.sampleToken()).containsExactly(0, 1, 2, 6);
    }

    @Test
    void longContextsStayWhole() {
        ForwardBatch step = step(SingleTokens.LONG_CONTEXT, null);
        assertThat(SingleTokens.of(step).cuQ()).isEqualTo(step.cuQ());
        assertThat(SingleTokens.of(step(SingleTokens.LONG_CONTEXT - 1, null)).numSequences())
                .isEqualTo(5);
    }

    @Test
    void samplesFollowTheDraftsBeforeThem() {
        assertThat(Draws.of(step(33, null), 4)).isEqualTo(draws(1, 31, 1, 0, 1, 32, 1, 1, 1, 33, 1, 2, 0, 9, 7, 0));
    }

    @Test
    void theDraftModelRunsOnceForEachDraft() {
        ForwardBatch step = step(33, draft(1, 2), D, D);
        limits.check(step);
        DraftPass first = DraftPass.first(step, 100, 4);
        assertThat(first.batch().ids())
                .as("one that it does not know is another")
                .containsExactly(11, 0, 20);
        assertThat(first.batch().contextLength()).containsExactly(30, 31, 1);
        assertThat(first.batch().positions()).containsExactly(29, 30, 0, 29, 30, 0, 29, 30, 0);
        assertThat(first.draws()).isEqualTo(draws(4, 0, 0, 0, 1, 31, 1, 0, 4, 0, 0, 0));
        DraftPass second = DraftPass.next(step, 1, 4);
        assertThat(second.batch().ids()).containsExactly(ForwardBatch.LAST_SAMPLED);
        assertThat(second.batch().contextLength()).containsExactly(32);
        assertThat(second.draws()).isEqualTo(draws(1, 32, 1, 1));
    }

    @Test
    void promptsStayWholeInTheDraftModelsRun() {
        int[] ids = IntStream.range(0, 32).toArray();
        ForwardBatch step = step(
                33,
                new DraftBatch(ids, new int[] {0, 31, 32}, new int[] {31, 1}, new int[] {1, 3}, new int[] {2, 0}),
                D,
                D);
        DraftPass first = DraftPass.first(step, 100, 4);
        assertThat(first.batch().cuQ()).containsExactly(0, 31, 32);
        assertThat(first.batch().sampleToken()).containsExactly(30);
        assertThat(first.draws()).isEqualTo(draws(1, 31, 1, 0));
    }

    @ParameterizedTest
    @CsvSource({"2, 2, sequence of drafts 3", "1, 1, places for drafts 2", "1, 3, places for drafts 2"})
    void draftsThatDoNotFitTheStepAreRefused(int row, int drafts, String named) {
        assertThatThrownBy(() -> limits.check(step(33, draft(row, drafts), D, D)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(named);
    }

    @Test
    void draftsStandAtTheEnd() {
        assertThatThrownBy(() -> limits.check(step(33, draft(1, 1), D))).hasMessageContaining("draft 12");
        assertThatThrownBy(() -> limits.check(step(33, null, D))).hasMessageContaining("places for drafts 1");
    }

    @Test
    void moreDraftsThanThereIsRoomForAreRefused() {
        ForwardBatch step = step(33, null);
        assertThatThrownBy(() -> new StepLimits(16, 4, 400, 99, 0, 100, 1).check(step))
                .hasMessageContaining("drafts before a sample 2");
        assertThatCode(() -> new StepLimits(16, 4, 400, 99, 0, 100, 2).check(step))
                .doesNotThrowAnyException();
    }
}

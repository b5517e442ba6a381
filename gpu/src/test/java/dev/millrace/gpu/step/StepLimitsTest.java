package dev.millrace.gpu.step;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever a step asks for beyond what there is would make a kernel read beyond its memory. */
class StepLimitsTest {

    private static final int[] NONE = {};

    private final StepLimits limits = new StepLimits(8, 4, 2, 10, 5, 100);

    @Test
    void aStepWithinTheLimitsPasses() {
        assertThatCode(() -> limits.check(step("nothing", 0))).doesNotThrowAnyException();
        assertThatCode(() -> limits.check(step("id", ForwardBatch.LAST_SAMPLED)))
                .doesNotThrowAnyException();
        assertThatCode(() -> limits.check(step("context", 32))).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "id, 100, token id 100",
        "id, -3, token id -3",
        "id, -2, places for drafts 1",
        "mediaRow, 5, media row 5",
        "row, 4, row 4",
        "row, -1, row -1",
        "context, 33, context length 33",
        "context, 0, context length 0",
        "sampleToken, 2, sampled token 2",
        "sampleRow, 4, sampled row 4",
        "target, -2, target -2",
        "target, 100, target 100",
        "tableRow, 4, row of a block table 4",
        "tableIndex, 2, index in a block table 2",
        "block, 10, block 10",
        "copied, 10, copied block 10",
    })
    void whatIsNotThereIsRefusedByItsNameAndValue(String what, int value, String named) {
        assertThatThrownBy(() -> limits.check(step(what, value)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(named);
    }

    @Test
    void mediaWithinTheLimitsPass() {
        assertThatCode(() -> limits.check(media(4))).doesNotThrowAnyException();
    }

    @Test
    void mediaForWhichThereIsNoRoomAreRefused() {
        assertThatThrownBy(() -> limits.check(media(5))).hasMessageContaining("media row 5");
        assertThatThrownBy(() -> limits.check(media(4, 3)))
                .hasMessageContaining("rows for the embeddings of an item 2");
        assertThatThrownBy(() -> new StepLimits(8, 4, 2, 10, 0, 100).check(new EncoderBatch(0, List.of())))
                .hasMessageContaining("rows encoded together 0");
    }

    /** A picture of one token, to these rows. */
    private static EncoderBatch media(int... rows) {
        MediaItem picture = new MediaItem(new MediaKey(0, 0), false, 1, 2, 2, 0, new float[4 * 1176]);
        return new EncoderBatch(0, List.of(new MediaInput(picture, rows)));
    }

    @Test
    void moreTokensThanAStepHoldsAreRefused() {
        assertThatThrownBy(() -> new StepLimits(1, 4, 2, 10, 5, 100).check(step("nothing", 0)))
                .hasMessageContaining("tokens 2")
                .hasMessageContaining("1 to 1");
    }

    /** Two tokens of one sequence, with one value as asked. */
    private static ForwardBatch step(String what, int value) {
        return new ForwardBatch(
                0,
                new int[] {7, is(what, "id", value, 99)},
                new int[] {-1, is(what, "mediaRow", value, -1)},
                new int[6],
                new int[] {0, 2},
                new int[] {is(what, "context", value, 2)},
                new int[] {is(what, "row", value, 3)},
                new int[] {is(what, "sampleToken", value, 1)},
                new int[] {is(what, "sampleRow", value, 3)},
                new int[] {is(what, "target", value, 99)},
                new int[] {-1},
                NONE,
                NONE,
                new int[0][],
                new int[] {is(what, "tableRow", value, 3), is(what, "tableIndex", value, 1), is(what, "block", value, 9)
                },
                new int[] {1, is(what, "copied", value, 9)},
                List.of(),
                false,
                null);
    }

    private static int is(String what, String name, int value, int otherwise) {
        return what.equals(name) ? value : otherwise;
    }
}

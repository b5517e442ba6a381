package dev.millrace.gpu.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.model.executor.RowAssignment;
import dev.millrace.model.sampling.Sampler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Several samples of a row in a step, and drafts, against the sampler of the JVM that draws one token after the other. */
@Tag("device")
class DraftSamplingTest {

    private static final int[] NONE = {};
    private static final int ROWS = 5;
    private static final int DRAFTS = 3;
    private static final int EACH = DRAFTS + 1;
    private static final int POSITION = 70;

    /** The samples of all rows, of which row r has min(r, DRAFTS) right drafts. */
    private static final class Verification {
        final int[] rows = each(i -> i / EACH);
        final int[] drafts = each(i -> i % EACH);
        final int[] positions = each(i -> POSITION + i % EACH);
        final int[] ids = new int[ROWS * EACH];
        final float[][] logits = new float[ROWS * EACH][];
        final int[] expected = new int[ROWS * EACH]; // -1 behind a wrong draft

        Verification(RandomDraws random, Sampler sampler, Twin[] twins) {
            for (int i = 0; i < logits.length; i++) {
                logits[i] = random.logits();
                boolean means = drafts[i] == 0 || expected[i - 1] == ids[i];
                expected[i] = means ? twins[rows[i]].draw(sampler, logits[i], positions[i], NONE) : -1;
                if (drafts[i] < DRAFTS) {
                    boolean right = means && drafts[i] < rows[i];
                    ids[i + 1] = right ? expected[i] : (expected[i] + 1) % logits[i].length;
                }
            }
        }

        private static int[] each(java.util.function.IntUnaryOperator value) {
            return IntStream.range(0, ROWS * EACH).map(value).toArray();
        }
    }

    @ParameterizedTest
    @CsvSource({"37, 37, 40", "5003, 5004, 15"})
    void samplesThatVerifyDraftsEqualDrawsOneByOne(int vocabSize, int stride, int rounds) {
        RandomDraws random = new RandomDraws(vocabSize + 1, vocabSize);
        Sampler sampler = new Sampler(vocabSize);
        try (SamplerRig rig = new SamplerRig(vocabSize, stride, ROWS * EACH)) {
            for (int round = 0; round < rounds; round++) {
                List<RowAssignment> assignments = assignments(random);
                Twin[] twins = assignments.stream().map(Twin::new).toArray(Twin[]::new);
                rig.assign(assignments);
                for (int step = 0; step < 2; step++) {
                    compare(rig, new Verification(random, sampler, twins));
                }
                int[] position = {9, 9, 9, 9, 9};
                float[][] logits = {random.logits(), random.logits(), random.logits(), random.logits(), random.logits()
                };
                int[] drawn = rig.draw(List.of(), new int[] {0, 1, 2, 3, 4}, position, logits, new int[0][]);
                for (int row = 0; row < ROWS; row++) {
                    assertThat(drawn[row])
                            .as("row %d after its drafts, %s", row, twins[row].params)
                            .isEqualTo(twins[row].draw(sampler, logits[row], 9, NONE));
                }
            }
        }
    }

    private static void compare(SamplerRig rig, Verification step) {
        rig.upload(step.logits);
        SampleInputs inputs = rig.upload(step.rows, step.positions, step.drafts, step.ids);
        rig.sampler.sample(rig.stream, rig.logits, rig.stride, inputs);
        rig.sampler.accept(rig.stream, inputs);
        int[] drawn = rig.tokens(ROWS * EACH);
        int[] last = rig.ints(rig.sampler.lastTokens(), ROWS);
        for (int i = 0; i < drawn.length; i++) {
            if (step.expected[i] >= 0) {
                assertThat(drawn[i])
                        .as("row %d, %d drafts before", step.rows[i], step.drafts[i])
                        .isEqualTo(step.expected[i]);
            }
        }
        for (int row = 0; row < ROWS; row++) {
            assertThat(last[row])
                    .as("last token of row %d", row)
                    .isEqualTo(step.expected[row * EACH + Math.min(row, DRAFTS)]);
        }
    }

    @ParameterizedTest
    @CsvSource({"37, 37, 20", "5003, 5004, 10"})
    void draftsEqualDrawsOneByOneAndLeaveTheirRowsAsTheyAre(int vocabSize, int stride, int rounds) {
        RandomDraws random = new RandomDraws(vocabSize + 2, vocabSize);
        Sampler sampler = new Sampler(vocabSize);
        try (SamplerRig rig = new SamplerRig(vocabSize, stride, ROWS * EACH);
                DeviceBuffer lastDrafts = rig.device.allocate(4L * (ROWS * EACH + 1), "drafts")) {
            for (int round = 0; round < rounds; round++) {
                List<RowAssignment> assignments = assignments(random);
                Twin[] drafting = assignments.stream().map(Twin::new).toArray(Twin[]::new);
                rig.assign(assignments);
                int[] before = rig.ints(rig.sampler.lastTokens(), ROWS);
                int[] ids = new int[ROWS * EACH];
                for (int pass = 0; pass < DRAFTS; pass++) {
                    ids = draft(rig, random, sampler, drafting, lastDrafts, ids, pass);
                }
                assertThat(rig.ints(rig.sampler.lastTokens(), ROWS)).isEqualTo(before);
                Twin[] twins = assignments.stream().map(Twin::new).toArray(Twin[]::new);
                compare(rig, new Verification(random, sampler, twins));
            }
        }
    }

    /** The step's ids after a draft more of each row. */
    private static int[] draft(
            SamplerRig rig,
            RandomDraws random,
            Sampler sampler,
            Twin[] twins,
            DeviceBuffer lastDrafts,
            int[] ids,
            int pass) {
        int[] drafts = new int[ROWS];
        int[] after = new int[ROWS];
        float[][] logits = new float[ROWS][];
        int[] expected = ids.clone();
        Arrays.fill(drafts, pass);
        for (int row = 0; row < ROWS; row++) {
            after[row] = row * EACH + pass;
            logits[row] = random.logits();
            expected[after[row] + 1] = twins[row].draw(sampler, logits[row], POSITION + pass, NONE);
        }
        rig.upload(logits);
        int[] position = Arrays.stream(drafts).map(i -> POSITION + i).toArray();
        SampleInputs inputs = rig.upload(new int[] {0, 1, 2, 3, 4}, position, drafts, after, ids);
        rig.sampler.draft(rig.stream, rig.logits, rig.stride, inputs, lastDrafts);
        int[] actual = rig.ids(inputs, ids.length);
        assertThat(actual).isEqualTo(expected);
        int[] last = rig.ints(lastDrafts, ROWS);
        for (int row = 0; row < ROWS; row++) {
            assertThat(last[row]).isEqualTo(expected[after[row] + 1]);
        }
        return actual;
    }

    private static List<RowAssignment> assignments(RandomDraws random) {
        List<RowAssignment> assignments = new ArrayList<>();
        for (int row = 0; row < ROWS; row++) {
            assignments.add(new RowAssignment(
                    row, random.params(), random.upTo(3), random.ids(20), random.ids(1 + random.upTo(20))));
        }
        return assignments;
    }
}

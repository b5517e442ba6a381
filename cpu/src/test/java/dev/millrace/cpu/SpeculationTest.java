package dev.millrace.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cpu.Driver.Chunk;
import dev.millrace.cpu.Driver.Sequence;
import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.sampling.SamplingParams;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Samples behind drafts are those of one token at a time, and a row keeps what was accepted alone. */
class SpeculationTest {

    private static final Path DEMO = Golden.ROOT.resolve("models/demo-vl");
    private static final int LENGTH = 40;
    private static final int MOST_DRAFTS = 6;

    @Test
    void draftsDoNotChangeWhatIsSampled() {
        Random random = new Random(4);
        try (ModelExecutor executor = Executors.open(DEMO, Kernels.vector(), 2)) {
            Driver driver = new Driver(executor, 40, 1);
            for (int run = 0; run < 60; run++) {
                PreparedPrompt prompt = prompt(1 + random.nextInt(40), random);
                SamplingParams params = params(random);
                int[] expected = oneByOne(driver, prompt, params);
                assertThat(speculated(driver, prompt, params, expected, random))
                        .as("run %d with %s", run, params)
                        .isEqualTo(expected);
            }
        }
    }

    private static int[] oneByOne(Driver driver, PreparedPrompt prompt, SamplingParams params) {
        Sequence sequence = driver.sequence(prompt, params);
        int[] tokens = new int[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            tokens[i] = driver.run(driver.rest(sequence)).tokens()[0];
            sequence.append(tokens[i]);
        }
        sequence.free();
        return tokens;
    }

    private static int[] speculated(
            Driver driver, PreparedPrompt prompt, SamplingParams params, int[] expected, Random random) {
        Sequence sequence = driver.sequence(prompt, params);
        int[] tokens = new int[LENGTH];
        int known = 0;
        while (known < LENGTH) {
            int right = random.nextInt(MOST_DRAFTS);
            int drafts = Math.min(random.nextInt(MOST_DRAFTS + 1), LENGTH - known - 1);
            for (int i = 0; i < drafts; i++) {
                sequence.append(i < right ? expected[known + i] : random.nextInt(1024));
            }
            StepOutput output = driver.run(new Chunk(sequence, sequence.remaining(), 1 + drafts));
            int accepted = 0;
            while (accepted < drafts && output.tokens()[accepted] == sequence.fromEnd(drafts - accepted)) {
                tokens[known++] = output.tokens()[accepted++];
            }
            tokens[known++] = output.tokens()[accepted];
            sequence.reject(drafts - accepted);
            sequence.append(output.tokens()[accepted]);
        }
        sequence.free();
        return tokens;
    }

    private static SamplingParams params(Random random) {
        return SamplingParams.builder()
                .temperature(random.nextInt(4) == 0 ? 0 : 0.3f + random.nextFloat())
                .topP(random.nextBoolean() ? 1 : 0.9f)
                .topK(random.nextBoolean() ? 0 : 20)
                .minP(random.nextBoolean() ? 0 : 0.01f)
                .repetitionPenalty(random.nextBoolean() ? 1 : 1.3f)
                .presencePenalty(random.nextBoolean() ? 0 : 1.1f)
                .frequencyPenalty(random.nextBoolean() ? 0 : 0.7f)
                .seed(random.nextLong())
                .bias(new int[] {7, 500}, new float[] {2, -3})
                .bannedIds(9)
                .minTokens(random.nextInt(LENGTH))
                .stopIds(100, 200, 300)
                .build();
    }

    private static PreparedPrompt prompt(int length, Random random) {
        return PreparedPrompt.text(random.ints(length, 0, 900).toArray());
    }
}

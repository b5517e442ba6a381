package dev.millrace.operators.engine;

import static dev.millrace.operators.engine.DemoModel.frames;
import static dev.millrace.operators.engine.DemoModel.picture;
import static dev.millrace.operators.engine.DemoModel.text;
import static dev.millrace.operators.engine.DemoModel.video;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.sampling.Logprobs;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.engine.LogitsRecorder.Sample;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The demonstration model says the same, with bit-identical logits, whatever shares its steps and blocks. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DemoModelTest {

    private static final int BLOCK_SIZE = 16;
    private static final int MANY_BLOCKS = 600;
    private static final int MAX_TOKENS = 20;
    private static final int BATCH = 33;
    private static final int CHOICES = 4;

    private final DemoModel model = new DemoModel();
    private final List<PreparedPrompt> prompts = List.of(
            model.prompt(picture("two-shapes.png"), text("Describe this image.")),
            model.prompt(picture("noisy.png"), text("描述这张图片。")),
            model.prompt(picture("two-shapes.png"), text("What do you see?")),
            model.prompt(picture("left.png"), picture("right.png"), text("Compare the two pictures.")),
            model.prompt(video("ball.mp4"), text("What happens in the video?")),
            model.prompt(text("Who are you?")),
            model.prompt(picture("sign.png"), text("What does the sign say?")),
            model.prompt(text("你是谁?")));
    private Run alone;

    @BeforeAll
    void answerEachAlone() throws InterruptedException {
        alone = run(config(2048, 1, false), MANY_BLOCKS);
    }

    @Test
    void theModelDescribesWhatItSees() {
        assertThat(alone.texts.get(0)).isEqualTo("A large green triangle and a small red cross.");
    }

    @Test
    void companyDoesNotChangeAnAnswer() throws InterruptedException {
        assertSame(run(config(2048, BATCH, false), MANY_BLOCKS));
    }

    @Test
    void chunksDoNotChangeAnAnswer() throws InterruptedException {
        Run run = run(config(16, 8, false), MANY_BLOCKS);
        assertSame(run);
    }

    @Test
    void scarceBlocksDoNotChangeAnAnswer() throws InterruptedException {
        Run run = run(config(256, BATCH, false), 34);
        assertThat(run.stats.numPreemptions()).isPositive();
        assertSame(run);
    }

    @Test
    void aCachedPrefixDoesNotChangeAnAnswer() throws InterruptedException {
        Run run = run(config(64, 4, true), MANY_BLOCKS);
        assertThat(run.stats.prefixCacheHits()).isPositive();
        assertThat(run.stats.mmCacheHits()).isPositive();
        assertSame(run);
    }

    @Test
    void anotherPictureOrAnotherRateSharesNoBlockAfterIt() throws InterruptedException {
        PreparedPrompt[] pairs = {
            model.prompt(text("Look: "), picture("left.png"), text("Describe this image.")),
            model.prompt(text("Look: "), picture("right.png"), text("Describe this image.")),
            model.prompt(text("Look: "), frames(2, "left.png", "left.png", "right.png", "right.png"), text("So?")),
            model.prompt(text("Look: "), frames(1, "left.png", "left.png", "right.png", "right.png"), text("So?"))
        };
        try (Engine engine = new Engine(config(2048, 1, true), MANY_BLOCKS)) {
            for (int i = 0; i < pairs.length; i += 2) {
                assertThat(pairs[i].tokenIds()).isEqualTo(pairs[i + 1].tokenIds());
                engine.answer(sequence(i, pairs[i], sampling(i)));
                Sequence same = sequence(i, pairs[i], sampling(i));
                Sequence other = sequence(i + 1, pairs[i + 1], sampling(i + 1));
                engine.answer(same);
                engine.answer(other);
                int start = pairs[i].media().get(0).start();
                assertThat(other.cachedTokens()).isEqualTo(start / BLOCK_SIZE * BLOCK_SIZE);
                assertThat(same.cachedTokens()).isGreaterThan(other.cachedTokens());
            }
        }
    }

    @Test
    void choicesAreThoseOfSeparateRequests() throws InterruptedException {
        Run separate = runChoices(config(2048, 1, false), MANY_BLOCKS, false);
        for (EngineConfig config : List.of(
                config(2048, BATCH, false), config(2048, BATCH, true), config(16, 8, false), config(64, 3, true))) {
            assertSame(runChoices(config, MANY_BLOCKS, true), separate);
        }
        var whole = new EngineConfig(
                new Limits(512, BATCH, DemoModel.MAX_MODEL_LEN),
                Scheduling.DEFAULT.withPrefixCaching(false).withChunkedPrefill(false));
        assertSame(runChoices(whole, MANY_BLOCKS, true), separate);
        for (boolean prefixCaching : new boolean[] {false, true}) {
            Run scarce = runChoices(config(256, BATCH, prefixCaching), 34, true);
            assertThat(scarce.stats.numPreemptions()).isPositive();
            assertSame(scarce, separate);
        }
    }

    /** Every prompt four times: as choices of one request, or as requests of their own. */
    private Run runChoices(EngineConfig config, int numBlocks, boolean together) throws InterruptedException {
        try (Engine engine = new Engine(config, numBlocks)) {
            List<Sequence> sequences = new ArrayList<>();
            for (int i = 0; i < prompts.size() * CHOICES; i++) {
                int prompt = i / CHOICES;
                sequences.add(
                        sequence(together ? prompt : i, i % CHOICES, prompts.get(prompt), sampling(11 + 2 * prompt)));
            }
            return engine.run(sequences);
        }
    }

    @Test
    void aPromptsLogprobsAreThoseOfItsTokensUnderTheLogitsBeforeThem() {
        for (int i = 0; i < BATCH; i++) {
            int[] ids = prompts.get(i % prompts.size()).tokenIds();
            List<Score> scores = alone.promptLogprobs.get(i);
            assertThat(scores).hasSize(scoresPrompt(i) ? ids.length - 1 : 0);
            for (int position = 1; position <= scores.size(); position++) {
                float[] logits = alone.logits.get(new Sample(i, 0, position));
                Logprobs expected = Logprobs.of(logits, 0, logits.length, ids[position], 3);
                assertThat(scores.get(position - 1))
                        .isEqualTo(new Score(
                                expected.logprob(),
                                expected.rank(),
                                Arrays.toString(expected.topIds()),
                                Arrays.toString(expected.topLogprobs())));
            }
        }
    }

    @Test
    void aPromptWithLogprobsReadsNoCachedPrefix() throws InterruptedException {
        try (Engine engine = new Engine(config(2048, 1, true), MANY_BLOCKS)) {
            engine.answer(sequence(0, prompts.get(0), sampling(0)));
            Sequence plain = sequence(1, prompts.get(0), sampling(1));
            Sequence scored = scored(2, prompts.get(0), sampling(2));
            engine.answer(plain);
            engine.answer(scored);
            assertThat(plain.cachedTokens()).isPositive();
            assertThat(scored.cachedTokens()).isZero();
            assertThat(engine.answers.of(scored).promptLogprobs).hasSize(scored.promptLength() - 1);
        }
    }

    @Test
    void aPromptWithLogprobsIsComputedInChunksEvenWhereOthersAreNot() throws InterruptedException {
        var config = new EngineConfig(
                new Limits(2048, 1, DemoModel.MAX_MODEL_LEN),
                Scheduling.DEFAULT.withPrefixCaching(false).withChunkedPrefill(false));
        assertSame(run(config, MANY_BLOCKS));
    }

    private void assertSame(Run run) {
        assertSame(run, alone);
    }

    private static void assertSame(Run run, Run alone) {
        assertThat(run.tokens).isEqualTo(alone.tokens);
        assertThat(run.texts).isEqualTo(alone.texts);
        assertThat(run.promptLogprobs).isEqualTo(alone.promptLogprobs);
        assertThat(run.logits.keySet()).isEqualTo(alone.logits.keySet());
        run.logits.forEach(
                (sample, logits) -> assertThat(logits).as(sample.toString()).isEqualTo(alone.logits.get(sample)));
    }

    private static EngineConfig config(int budget, int maxNumSeqs, boolean prefixCaching) {
        return new EngineConfig(
                new Limits(budget, maxNumSeqs, DemoModel.MAX_MODEL_LEN),
                Scheduling.DEFAULT.withPrefixCaching(prefixCaching));
    }

    /** Every prompt in turn, greedy and drawn with and without penalties. */
    private Run run(EngineConfig config, int numBlocks) throws InterruptedException {
        try (Engine engine = new Engine(config, numBlocks)) {
            List<Sequence> sequences = new ArrayList<>();
            for (int i = 0; i < BATCH; i++) {
                PreparedPrompt prompt = prompts.get(i % prompts.size());
                sequences.add(scoresPrompt(i) ? scored(i, prompt, sampling(i)) : sequence(i, prompt, sampling(i)));
            }
            return engine.run(sequences);
        }
    }

    private static boolean scoresPrompt(int id) {
        return id % 3 == 0;
    }

    private static Sequence sequence(int id, PreparedPrompt prompt, SamplingParams sampling) {
        return sequence(id, 0, prompt, sampling);
    }

    private static Sequence sequence(int id, int choice, PreparedPrompt prompt, SamplingParams sampling) {
        return new Sequence("r" + id, choice, id, 0, prompt, params(sampling), new int[0], 0);
    }

    private static Sequence scored(int id, PreparedPrompt prompt, SamplingParams sampling) {
        return new Sequence(
                "r" + id,
                0,
                id,
                0,
                prompt,
                params(sampling).toBuilder().promptLogprobs(3).build(),
                new int[0],
                0);
    }

    private static GenerationParams params(SamplingParams sampling) {
        return GenerationParams.builder(sampling, MAX_TOKENS).eosTokenIds(977).build();
    }

    private static SamplingParams sampling(int id) {
        float temperature = id < 11 ? 0 : 1;
        float repetition = id < 22 ? 1 : 1.2f;
        float presence = id < 22 ? 0 : 0.1f;
        return SamplingParams.builder()
                .temperature(temperature)
                .topP(0.95f)
                .topK(50)
                .repetitionPenalty(repetition)
                .presencePenalty(presence)
                .seed(id)
                .build();
    }

    private record Run(
            List<List<Integer>> tokens,
            List<String> texts,
            List<List<Score>> promptLogprobs,
            Map<Sample, float[]> logits,
            EngineStats stats) {}

    private record Score(float logprob, int rank, String topIds, String topLogprobs) {

        static Score of(SampleLogprobs sample) {
            return new Score(
                    sample.logprob(),
                    sample.rank(),
                    Arrays.toString(sample.topIds()),
                    Arrays.toString(sample.topLogprobs()));
        }
    }

    /** An engine with the model. */
    private final class Engine implements AutoCloseable {
        private final Answers answers = new Answers();
        private final LogitsRecorder executor;
        private final InferenceEngine engine;

        Engine(EngineConfig config, int numBlocks) {
            executor = new LogitsRecorder(DemoModel.executor(numBlocks));
            engine = new InferenceEngine(config, executor, model.tokenizer, UNUSED, answers);
        }

        void answer(Sequence sequence) throws InterruptedException {
            engine.add(sequence);
            drain();
        }

        Run run(List<Sequence> sequences) throws InterruptedException {
            sequences.forEach(engine::add);
            drain();
            List<List<Integer>> tokens = new ArrayList<>();
            List<String> texts = new ArrayList<>();
            List<List<Score>> scores = new ArrayList<>();
            for (Sequence sequence : sequences) {
                tokens.add(Arrays.stream(answers.of(sequence).tokens.toArray(0))
                        .boxed()
                        .toList());
                texts.add(answers.of(sequence).text.toString());
                scores.add(answers.of(sequence).promptLogprobs.stream()
                        .map(Score::of)
                        .toList());
            }
            return new Run(tokens, texts, scores, executor.logits(), engine.stats());
        }

        private void drain() throws InterruptedException {
            engine.launchSteps();
            while (!engine.isIdle()) {
                executor.handleNext(engine);
                engine.launchSteps();
            }
            engine.checkIntegrity();
        }

        @Override
        public void close() {
            engine.close();
        }
    }

    private static final ExecutorListener UNUSED = new ExecutorListener() {
        @Override
        public void completed(StepOutput output) {
            throw new IllegalStateException("the recorder hears of completions");
        }

        @Override
        public void failed(long step, Throwable cause) {
            throw new IllegalStateException("the recorder hears of failures", cause);
        }

        @Override
        public void encoded(long encoding) {
            throw new IllegalStateException("the recorder hears of encodings");
        }

        @Override
        public void encodingFailed(long encoding, Throwable cause) {
            throw new IllegalStateException("the recorder hears of failures", cause);
        }
    };
}

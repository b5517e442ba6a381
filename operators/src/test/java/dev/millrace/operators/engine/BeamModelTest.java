package dev.millrace.operators.engine;

import static dev.millrace.operators.engine.DemoModel.picture;
import static dev.millrace.operators.engine.DemoModel.text;
import static dev.millrace.operators.engine.DemoModel.video;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Speculation;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.BeamSearch;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Hypothesis;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The demonstration model's best answers are the same, whatever shares their steps and blocks, and after a restart. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BeamModelTest {

    private static final int WIDTH = 3;
    private static final int MAX_TOKENS = 24;
    private static final int MANY_BLOCKS = 400;
    private static final int NEVER = Integer.MAX_VALUE;

    private final DemoModel model = new DemoModel();
    private final List<PreparedPrompt> prompts = List.of(
            model.prompt(picture("two-shapes.png"), text("Describe this image.")),
            model.prompt(picture("left.png"), picture("right.png"), text("Compare the two pictures.")),
            model.prompt(video("ball.mp4"), text("What happens in the video?")),
            model.prompt(text("你是谁?")));
    private List<String> alone;

    @BeforeAll
    void searchForEachAlone() throws InterruptedException {
        alone = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            alone.addAll(texts(new Run(config(2048, WIDTH, false), MANY_BLOCKS, List.of(search(i, List.of())))));
        }
        assertThat(alone).hasSize(WIDTH * prompts.size()).doesNotHaveDuplicates();
    }

    @Test
    void theBestAnswerDescribesWhatIsThere() {
        assertThat(alone.get(0)).isEqualTo("A large green triangle and a small red cross.");
    }

    @Test
    void companyChunksAndScarceBlocksDoNotChangeAnAnswer() throws InterruptedException {
        assertThat(texts(new Run(config(2048, 40, false), MANY_BLOCKS, all()))).isEqualTo(alone);
        assertThat(texts(new Run(config(16, 8, true), MANY_BLOCKS, all()))).isEqualTo(alone);
        Run scarce = new Run(config(256, 40, false), 34, several(4));
        assertThat(texts(scarce))
                .isEqualTo(Collections.nCopies(4, alone).stream()
                        .flatMap(List::stream)
                        .toList());
        assertThat(scarce.engine.stats().numPreemptions()).isPositive();
        EngineConfig speculative = new EngineConfig(
                config(128, 40, true).limits(), Scheduling.DEFAULT.withSpeculation(new Speculation(4, 1, 3)));
        assertThat(texts(new Run(speculative, MANY_BLOCKS, all()))).isEqualTo(alone);
    }

    @Test
    void aRestartDoesNotChangeAnAnswer() throws InterruptedException {
        for (int steps : new int[] {3, 14}) {
            Run cut = new Run(config(256, 40, true), MANY_BLOCKS, all());
            cut.go(steps);
            List<BeamSearch> restored = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                restored.add(search(i, cut.searches.get(i).found()));
            }
            cut.close();
            assertThat(texts(new Run(config(64, 10, false), MANY_BLOCKS, restored)))
                    .isEqualTo(alone);
        }
    }

    private List<BeamSearch> all() {
        return several(1);
    }

    /** So many searches for each prompt. */
    private List<BeamSearch> several(int times) {
        return IntStream.range(0, times * prompts.size())
                .mapToObj(i -> search(i, List.of()))
                .toList();
    }

    private BeamSearch search(int id, List<Hypothesis> found) {
        GenerationParams params = GenerationParams.builder(SamplingParams.greedy(), MAX_TOKENS)
                .eosTokenIds(977)
                .beams(new BeamParams(WIDTH, 1, false))
                .build();
        List<Sequence> answers = IntStream.range(0, WIDTH)
                .mapToObj(
                        i -> new Sequence("r" + id, i, id, 0, prompts.get(id % prompts.size()), params, new int[0], 0))
                .toList();
        return new BeamSearch(answers, found);
    }

    private static List<String> texts(Run run) throws InterruptedException {
        try (run) {
            run.go(NEVER);
            run.engine.checkIntegrity();
            assertThat(run.engine.isIdle()).isTrue();
            return run.searches.stream()
                    .flatMap(search -> search.answers().stream())
                    .map(answer -> run.answers.of(answer).text.toString())
                    .toList();
        }
    }

    private static EngineConfig config(int budget, int maxNumSeqs, boolean prefixCaching) {
        return new EngineConfig(
                new Limits(budget, maxNumSeqs, DemoModel.MAX_MODEL_LEN),
                Scheduling.DEFAULT.withPrefixCaching(prefixCaching));
    }

    /** Searches on an engine of their own. */
    private final class Run implements ExecutorListener, AutoCloseable {
        private final LinkedBlockingQueue<Runnable> mails = new LinkedBlockingQueue<>();
        private final Answers answers = new Answers();
        private final InferenceEngine engine;
        private final List<BeamSearch> searches;
        private int steps;

        Run(EngineConfig config, int numBlocks, List<BeamSearch> searches) {
            this.engine = new InferenceEngine(config, DemoModel.executor(numBlocks), model.tokenizer, this, answers);
            this.searches = searches;
            searches.forEach(engine::add);
        }

        void go(int mostSteps) throws InterruptedException {
            engine.launchSteps();
            while (!engine.isIdle() && steps < mostSteps) {
                mails.take().run();
                engine.launchSteps();
            }
        }

        @Override
        public void completed(StepOutput output) {
            mails.add(() -> {
                steps++;
                engine.complete(output);
            });
        }

        @Override
        public void encoded(long encoding) {
            mails.add(() -> engine.encoded(encoding));
        }

        @Override
        public void failed(long step, Throwable cause) {
            encodingFailed(step, cause);
        }

        @Override
        public void encodingFailed(long encoding, Throwable cause) {
            mails.add(() -> {
                throw new IllegalStateException(cause);
            });
        }

        @Override
        public void close() {
            engine.close();
        }
    }
}

package dev.millrace.operators.engine;

import static dev.millrace.operators.engine.DemoModel.picture;
import static dev.millrace.operators.engine.DemoModel.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.grammar.GrammarCompiler;
import dev.millrace.model.grammar.GrammarSource;
import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.engine.Answers.Answer;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Speculation;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The demonstration model's answers with speculation are those without, whatever guesses, however they are drawn and cut. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpeculationTest {

    private static final int REQUESTS = 120;
    private static final int MANY_BLOCKS = 900;
    private static final int FEW_BLOCKS = 34;
    private static final int NEVER = Integer.MAX_VALUE;
    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    private static final String DRAFT = ROOT.resolve("models/demo-draft").toString();
    private static final String ITSELF = ROOT.resolve("models/demo-vl").toString();
    private static final String STRANGER = ROOT.resolve("golden/model-a").toString(); // knows half of the tokens

    private final DemoModel model = new DemoModel();
    private final List<Request> requests = new ArrayList<>();
    private List<Answer> plain;

    private record Request(PreparedPrompt prompt, GenerationParams params, int choices, Grammar grammar) {}

    @BeforeAll
    void answerWithoutSpeculation() throws InterruptedException {
        Random random = new Random(17);
        List<PreparedPrompt> prompts = List.of(
                model.prompt(picture("two-shapes.png"), text("Describe this image.")),
                model.prompt(picture("noisy.png"), text("描述这张图片。")),
                model.prompt(picture("left.png"), picture("right.png"), text("Compare the two pictures.")),
                model.prompt(picture("sign.png"), text("What does the sign say?")),
                model.prompt(text("Who are you?")),
                model.prompt(text("你是谁?")),
                model.prompt(text("one two three four one two three four one two three")));
        List<Grammar> grammars = grammars();
        for (int i = 0; i < REQUESTS; i++) {
            PreparedPrompt prompt = random.nextInt(3) == 0
                    ? PreparedPrompt.text(
                            random.ints(1 + random.nextInt(60), 0, 900).toArray())
                    : prompts.get(random.nextInt(prompts.size()));
            Grammar grammar = random.nextInt(3) == 0 ? grammars.get(random.nextInt(grammars.size())) : null;
            requests.add(new Request(prompt, params(random), random.nextInt(5) == 0 ? 3 : 1, grammar));
        }
        plain = new Run(config(2048, 33, false, Speculation.NONE), "", MANY_BLOCKS, NEVER).answers;
    }

    private List<Grammar> grammars() {
        GrammarCompiler compiler = new GrammarCompiler(model.tokenizer, 1024);
        return Stream.of(
                        new GrammarSource(Kind.REGEX, "((one|two|three|A large|, )+ ?)+"),
                        new GrammarSource(Kind.EBNF, "root ::= \"(\" root \")\" root | [a-d]* | root \"+\" root"),
                        new GrammarSource(Kind.CHOICE, "[\"yes\", \"no\", \"三\"]"),
                        new GrammarSource(
                                Kind.JSON_SCHEMA,
                                "{\"type\": \"array\", \"items\": {\"enum\": [\"red\", \"blue\", 1, 22]}, \"minItems\": 2}"))
                .map(compiler::compile)
                .toList();
    }

    @Test
    void boundAnswersFitTheirGrammars() {
        int bound = 0;
        int at = 0;
        for (Request request : requests) {
            for (int choice = 0; choice < request.choices; choice++, at++) {
                if (request.grammar != null) {
                    int[] tokens = plain.get(at).tokens.toArray(0);
                    int length =
                            tokens.length > 0 && tokens[tokens.length - 1] == 977 ? tokens.length - 1 : tokens.length;
                    assertThat(request.grammar.start(new int[] {977}).fits(Arrays.copyOf(tokens, length)))
                            .as(plain.get(at).text.toString())
                            .isTrue();
                    bound++;
                }
            }
        }
        assertThat(bound).isGreaterThan(20);
    }

    @Test
    void aDraftModelDoesNotChangeAnAnswer() throws InterruptedException {
        SpeculationStats drafts = same(config(2048, 33, false, Speculation.draftModel(3)), DRAFT, MANY_BLOCKS, NEVER);
        assertThat(drafts.numAcceptedTokens()).isBetween(drafts.numDraftTokens() / 20, drafts.numDraftTokens());
    }

    @Test
    void neitherDoChunksSharedPrefixesAndRestarts() throws InterruptedException {
        same(config(40, 8, true, Speculation.draftModel(5)), DRAFT, MANY_BLOCKS, 60);
    }

    @Test
    void norBlocksThatRunOut() throws InterruptedException {
        EngineStats stats =
                new Run(config(256, 33, false, Speculation.draftModel(4)), ITSELF, FEW_BLOCKS, NEVER).check();
        assertThat(stats.numPreemptions()).isPositive();
    }

    @Test
    void aDraftModelThatKnowsOtherTokensDoesNotChangeAnAnswer() throws InterruptedException {
        SpeculationStats drafts = same(config(512, 20, true, Speculation.draftModel(2)), STRANGER, MANY_BLOCKS, 100);
        assertThat(drafts.numAcceptedTokens()).isLessThan(drafts.numDraftTokens() / 5);
    }

    @Test
    void aLookupDoesNotChangeAnAnswer() throws InterruptedException {
        SpeculationStats drafts = same(config(100, 20, true, new Speculation(6, 1, 3)), "", FEW_BLOCKS, 200);
        assertThat(drafts.numAcceptedTokens()).isPositive();
    }

    @Test
    void whatAModelDraftsForItselfIsAllAcceptedWhereThereIsTextAlone() throws InterruptedException {
        SpeculationStats drafts = same(config(2048, 33, false, Speculation.draftModel(4)), ITSELF, MANY_BLOCKS, NEVER);
        assertThat(drafts.numAcceptedTokens()).isLessThan(drafts.numDraftTokens());
        Run run = new Run(config(2048, 33, false, Speculation.draftModel(4)), ITSELF, MANY_BLOCKS, NEVER, texts());
        SpeculationStats ofTexts = run.stats.speculation();
        assertThat(ofTexts.numDraftTokens()).isPositive();
        assertThat(ofTexts.numAcceptedTokens()).isEqualTo(ofTexts.numDraftTokens());
    }

    private List<Request> texts() {
        return requests.stream()
                .filter(request -> request.prompt.media().isEmpty())
                .toList();
    }

    private SpeculationStats same(EngineConfig config, String draftModel, int numBlocks, int restartAfter)
            throws InterruptedException {
        return new Run(config, draftModel, numBlocks, restartAfter).check().speculation();
    }

    private static EngineConfig config(int budget, int maxNumSeqs, boolean prefixCaching, Speculation speculation) {
        return new EngineConfig(
                new Limits(budget, maxNumSeqs, DemoModel.MAX_MODEL_LEN),
                Scheduling.DEFAULT.withPrefixCaching(prefixCaching).withSpeculation(speculation));
    }

    private static GenerationParams params(Random random) {
        int maxTokens = 1 + random.nextInt(30);
        int[] stops = random.nextInt(3) == 0 ? random.ints(40, 0, 900).toArray() : new int[0];
        SamplingParams sampling = new SamplingParams(
                random.nextInt(3) == 0 ? 0 : 0.2f + random.nextFloat(),
                random.nextInt(3) == 0 ? 0.9f : 1,
                random.nextInt(3) == 0 ? 20 : 0,
                random.nextInt(3) == 0 ? 0.05f : 0,
                random.nextInt(3) == 0 ? 1.3f : 1,
                random.nextInt(3) == 0 ? 0.8f : 0,
                random.nextInt(3) == 0 ? 0.5f : 0,
                random.nextLong(),
                random.nextInt(3) == 0 ? new int[] {7, 260, 977} : new int[0],
                new float[] {3, 2, -4},
                random.nextInt(8) == 0
                        ? random.ints(200, 0, 1024).distinct().sorted().toArray()
                        : null,
                random.nextInt(3) == 0 ? new int[] {260, 311} : new int[0],
                random.nextInt(3) == 0 ? random.nextInt(maxTokens) : 0,
                IntStream.concat(Arrays.stream(stops), IntStream.of(977)).toArray());
        return new GenerationParams(
                sampling,
                maxTokens,
                stops,
                random.nextInt(4) == 0 ? new int[0] : new int[] {977},
                random.nextInt(3) == 0 ? List.of(" and a", "e", "三") : List.of(),
                random.nextBoolean(),
                true,
                random.nextInt(6) == 0 ? 2 : -1,
                random.nextInt(6) == 0 ? 0 : -1,
                false,
                random.nextInt(6) == 0 ? List.of(new int[] {260, 311}, new int[] {13, 977}) : List.of(),
                null,
                null);
    }

    /** All requests on an engine that is given up for a new one after so many steps, as after a crash. */
    private final class Run implements ExecutorListener {
        private final LinkedBlockingQueue<Object> completions = new LinkedBlockingQueue<>();
        private final List<Answer> answers = new ArrayList<>();
        private EngineStats stats;

        Run(EngineConfig config, String draftModel, int numBlocks, int restartAfter) throws InterruptedException {
            this(config, draftModel, numBlocks, restartAfter, requests);
        }

        Run(EngineConfig config, String draftModel, int numBlocks, int restartAfter, List<Request> asked)
                throws InterruptedException {
            var drafts = new ExecutorConfig.Speculation(
                    draftModel, config.scheduling().speculation().numSpeculativeTokens());
            List<Sequence> sequences = sequences(asked);
            Answers heard = new Answers();
            int steps = restartAfter;
            while (stats == null || !sequences.stream().allMatch(heard::isFinished)) {
                try (ModelExecutor executor = DemoModel.executor(numBlocks, drafts);
                        InferenceEngine engine = new InferenceEngine(config, executor, model.tokenizer, this, heard)) {
                    for (Sequence sequence : sequences) {
                        if (!heard.isFinished(sequence)) {
                            engine.add(sequence);
                        }
                    }
                    drain(engine, steps);
                    stats = engine.stats();
                }
                completions.clear();
                steps = NEVER;
                Answers before = heard;
                heard = new Answers();
                List<Sequence> restored = new ArrayList<>();
                for (Sequence sequence : sequences) {
                    Sequence again = restored(sequence, before.of(sequence), heard);
                    int request = Integer.parseInt(sequence.requestId().substring(1));
                    if (!heard.isFinished(again)) {
                        again.bind(asked.get(request).grammar);
                    }
                    restored.add(again);
                }
                sequences = restored;
            }
            for (Sequence sequence : sequences) {
                answers.add(heard.of(sequence));
            }
        }

        private static List<Sequence> sequences(List<Request> requests) {
            List<Sequence> sequences = new ArrayList<>();
            for (int i = 0; i < requests.size(); i++) {
                Request request = requests.get(i);
                for (int choice = 0; choice < request.choices; choice++) {
                    Sequence sequence =
                            new Sequence("r" + i, choice, i, 0, request.prompt, request.params, new int[0], 0);
                    sequence.bind(request.grammar);
                    sequences.add(sequence);
                }
            }
            return sequences;
        }

        private static Sequence restored(Sequence sequence, Answer answer, Answers next) {
            int[] tokens = answer == null ? new int[0] : answer.tokens.toArray(0);
            String text = answer == null ? "" : answer.text.toString();
            int scores = answer == null ? 0 : answer.promptLogprobs.size();
            Sequence restored = new Sequence(
                    sequence.requestId(),
                    sequence.choice(),
                    sequence.arrival(),
                    sequence.priority(),
                    sequence.prompt(),
                    sequence.params(),
                    tokens,
                    text.length(),
                    scores);
            next.resume(restored, tokens, text, answer == null ? List.of() : answer.promptLogprobs);
            next.of(restored).finish = answer == null ? null : answer.finish;
            next.of(restored).stopReason = answer == null ? null : answer.stopReason;
            return restored;
        }

        private void drain(InferenceEngine engine, int mostSteps) throws InterruptedException {
            engine.launchSteps();
            for (int i = 0; i < mostSteps && !engine.isIdle(); i++) {
                Object completion = completions.take();
                if (completion instanceof StepOutput output) {
                    engine.complete(output);
                } else if (completion instanceof Long encoding) {
                    engine.encoded(encoding);
                } else {
                    throw new IllegalStateException("a step or an encoding failed", (Throwable) completion);
                }
                engine.launchSteps();
            }
            engine.checkIntegrity();
        }

        EngineStats check() {
            for (int i = 0; i < plain.size(); i++) {
                Answer expected = plain.get(i);
                Answer answer = answers.get(i);
                assertThat(answer.tokens.toArray(0)).as("answer %d", i).isEqualTo(expected.tokens.toArray(0));
                assertThat(answer.text.toString()).isEqualTo(expected.text.toString());
                assertThat(answer.finish).isEqualTo(expected.finish);
                assertThat(answer.stopReason).isEqualTo(expected.stopReason);
            }
            return stats;
        }

        @Override
        public void completed(StepOutput output) {
            completions.add(output);
        }

        @Override
        public void failed(long step, Throwable cause) {
            completions.add(cause);
        }

        @Override
        public void encoded(long encoding) {
            completions.add(encoding);
        }

        @Override
        public void encodingFailed(long encoding, Throwable cause) {
            completions.add(cause);
        }
    }
}

package dev.millrace.operators.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.grammar.Grammar;
import dev.millrace.operators.engine.Answers.Answer;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.scheduler.Speculation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The demonstration model's answers with speculation are those that it gives without, to one sequence at a time: whatever
 * guesses, whatever the engine shares, cuts, takes back and loses meanwhile, and whatever the requests ask for.
 *
 * <p>Each kind of drafter answers the same requests in every combination of shared prefixes, chunks, few blocks and
 * restarts. How many requests each of them gets, and which, may be said: {@code mvn test -pl operators -am
 * -Dtest=SpeculativeAnswersTest -Dsurefire.failIfNoSpecifiedTests=false -Dmillrace.speculation.requests=1000
 * -Dmillrace.speculation.seed=7000}. The figures are printed at the end.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpeculativeAnswersTest {

    private static final int REQUESTS = Integer.getInteger("millrace.speculation.requests", Workload.SIZE);
    private static final long FIRST_SEED = Long.getLong("millrace.speculation.seed", 1);
    private static final int MODEL_LEN = 256;
    private static final int MANY_BLOCKS = 900;
    private static final int FEW_BLOCKS = 18;
    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));

    private final DemoModel model = new DemoModel();
    private Figures all = Figures.NONE;
    private long requests;
    private long answers;
    private long tokens;

    private enum Drafter {
        LOOKUP("", 0.05, 0.6),
        DRAFT_MODEL("models/demo-draft", 0.02, 0.1), // what is bound to a grammar drafts nothing with a model
        MODEL_ITSELF("models/demo-vl", 0.05, 0.1), // without pictures
        STRANGER("golden/model-a", 0, 0.1); // knows half of the tokens

        private final String folder;
        private final double leastShare; // of drafts that are right
        private final double boundShare; // of requests that are bound to a grammar

        Drafter(String folder, double leastShare, double boundShare) {
            this.folder = folder;
            this.leastShare = leastShare;
            this.boundShare = boundShare;
        }

        Speculation speculation(Random random) {
            int drafts = 1 + random.nextInt(6);
            int min = 1 + random.nextInt(2);
            return folder.isEmpty()
                    ? new Speculation(drafts, min, min + random.nextInt(3))
                    : Speculation.draftModel(drafts);
        }

        String draftModel() {
            return folder.isEmpty() ? "" : ROOT.resolve(folder).toString();
        }
    }

    /** What else goes on in an engine. */
    private record Setup(boolean sharing, boolean chunks, boolean fewBlocks, boolean restarts) {

        static List<Setup> all() {
            List<Setup> all = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                all.add(new Setup((i & 1) > 0, (i & 2) > 0, (i & 4) > 0, (i & 8) > 0));
            }
            return all;
        }

        /** Finds whether that which is to go on did. */
        void check(Figures figures) {
            assertThat(figures.prefixHits() > 0).as("shared prefixes: %s", this).isEqualTo(sharing);
            assertThat(figures.restarts() > 1).as("restarts: %s", this).isEqualTo(restarts);
            assertThat(figures.draftTokens()).as("drafts: %s", this).isPositive();
        }

        EngineConfig config(Random random, Drafter drafter) {
            return new EngineConfig(
                    new Limits(
                            chunks ? 20 + random.nextInt(60) : 512 + random.nextInt(1024),
                            (fewBlocks ? 8 : 4) + random.nextInt(8),
                            MODEL_LEN),
                    new Scheduling(
                            sharing,
                            chunks || random.nextBoolean(),
                            chunks && random.nextBoolean() ? 16 : 0,
                            random.nextBoolean() ? Policy.FCFS : Policy.PRIORITY,
                            1 + random.nextInt(3),
                            drafter.speculation(random)));
        }

        /** Engines last ever longer, so that all is answered at last. */
        IntUnaryOperator stepsToRestart(Random random) {
            return restarts ? engine -> 1 + random.nextInt(8 + 8 * engine) : RestartedRun.NEVER;
        }
    }

    /** Requests that are asked together, and the answers that they get alone. */
    private final class Workload {
        static final int SIZE = 16;

        private final List<Request> requests = new ArrayList<>();
        private final List<List<Answer>> alone = new ArrayList<>();

        Workload(Drafter drafter, long seed) throws InterruptedException {
            RandomRequests random = new RandomRequests(model, drafter.boundShare, seed);
            add(random.first(10));
            add(random.next(requests, alone, 4));
            add(random.next(requests, alone, 2));
        }

        void leaveOutPictures() {
            for (int i = requests.size() - 1; i >= 0; i--) {
                if (!requests.get(i).prompt().media().isEmpty()) {
                    requests.remove(i);
                    alone.remove(i);
                }
            }
        }

        private void add(List<Request> more) throws InterruptedException {
            requests.addAll(more);
            EngineConfig config = new EngineConfig(
                    new Limits(2048, 1, MODEL_LEN),
                    Scheduling.DEFAULT.withPrefixCaching(false).withStepsAhead(1));
            alone.addAll(new RestartedRun(model, config, "", MANY_BLOCKS, RestartedRun.NEVER).answer(more));
        }
    }

    @ParameterizedTest
    @EnumSource
    void whateverIsDraftedEveryAnswerIsThatOfARequestAlone(Drafter drafter) throws InterruptedException {
        Map<Setup, Figures> bySetup = new LinkedHashMap<>();
        for (int i = 0; i * Workload.SIZE < REQUESTS; i++) {
            long seed = FIRST_SEED + i * Drafter.values().length + drafter.ordinal();
            Random random = new Random(seed);
            Workload workload = new Workload(drafter, seed);
            requests += workload.requests.size();
            for (Setup setup : Setup.all()) {
                Figures figures = answer(workload, drafter, setup, random, "seed " + seed);
                bySetup.merge(setup, figures, Figures::plus);
            }
        }
        bySetup.forEach(Setup::check);
        assertThat(preemptions(bySetup, true)).isPositive();
        assertThat(preemptions(bySetup, false)).isZero();
        Figures figures = bySetup.values().stream().reduce(Figures.NONE, Figures::plus);
        System.out.printf("%s: %s%n", drafter, figures);
        assertThat((double) figures.acceptedTokens())
                .as("drafts that are right")
                .isGreaterThanOrEqualTo(drafter.leastShare * figures.draftTokens());
        assertThat(figures.rejectedTokens()).as("drafts that are wrong").isPositive();
        assertThat(figures.answersFound())
                .as("earlier answers in the prefix cache")
                .isPositive();
        all = all.plus(figures);
    }

    private static long preemptions(Map<Setup, Figures> bySetup, boolean fewBlocks) {
        return bySetup.entrySet().stream()
                .filter(entry -> entry.getKey().fewBlocks == fewBlocks)
                .mapToLong(entry -> entry.getValue().preemptions())
                .sum();
    }

    @Test
    void whatAModelDraftsForItselfIsRightWhereThereIsTextAlone() throws InterruptedException {
        Workload workload = new Workload(Drafter.MODEL_ITSELF, FIRST_SEED);
        workload.leaveOutPictures();
        for (Setup setup : Setup.all()) {
            Figures figures = answer(workload, Drafter.MODEL_ITSELF, setup, new Random(FIRST_SEED), setup.toString());
            assertThat(figures.acceptedTokens()).isPositive();
            if (!setup.sharing) { // what was shared need not have been drafted for
                assertThat(figures.rejectedTokens()).as(setup.toString()).isZero();
            }
        }
    }

    @Test
    void boundAnswersFitTheirGrammars() throws InterruptedException {
        int bound = 0;
        for (long seed = FIRST_SEED; bound < 20; seed++) {
            Workload workload = new Workload(Drafter.LOOKUP, seed);
            for (int i = 0; i < workload.requests.size(); i++) {
                Request request = workload.requests.get(i);
                if (request.grammar() != null) {
                    workload.alone.get(i).forEach(answer -> checkGrammar(request.grammar(), answer));
                    bound++;
                }
            }
        }
    }

    private static void checkGrammar(Grammar grammar, Answer answer) {
        int[] tokens = answer.tokens.toArray(0);
        boolean ended = tokens[tokens.length - 1] == RandomRequests.END;
        int[] bound = Arrays.copyOf(tokens, ended ? tokens.length - 1 : tokens.length);
        assertThat(grammar.start(new int[] {RandomRequests.END}).fits(bound))
                .as(answer.text.toString())
                .isTrue();
    }

    /** Has a workload's requests answered and compares. */
    private Figures answer(Workload workload, Drafter drafter, Setup setup, Random random, String what)
            throws InterruptedException {
        RestartedRun run = new RestartedRun(
                model,
                setup.config(random, drafter),
                drafter.draftModel(),
                setup.fewBlocks ? FEW_BLOCKS : MANY_BLOCKS,
                setup.stepsToRestart(random));
        List<List<Answer>> given = run.answer(workload.requests);
        for (int i = 0; i < given.size(); i++) {
            for (int choice = 0; choice < given.get(i).size(); choice++) {
                compare(
                        given.get(i).get(choice),
                        workload.alone.get(i).get(choice),
                        "request %d, choice %d, %s, %s, %s".formatted(i, choice, drafter, setup, what));
            }
        }
        return run.figures();
    }

    private void compare(Answer answer, Answer alone, String what) {
        assertThat(answer.tokens.toArray(0)).as(what).isEqualTo(alone.tokens.toArray(0));
        assertThat(answer.text.toString()).as(what).isEqualTo(alone.text.toString());
        assertThat(answer.finish).as(what).isEqualTo(alone.finish);
        assertThat(answer.stopReason).as(what).isEqualTo(alone.stopReason);
        assertThat(logprobs(answer.logprobs)).as(what).isEqualTo(logprobs(alone.logprobs));
        assertThat(logprobs(answer.promptLogprobs)).as(what).isEqualTo(logprobs(alone.promptLogprobs));
        answers++;
        tokens += answer.tokens.size();
    }

    private static List<Float> logprobs(List<SampleLogprobs> logprobs) {
        return logprobs.stream().map(SampleLogprobs::logprob).toList();
    }

    @AfterAll
    void tell() {
        System.out.printf(
                "%,d requests; %,d answers with %,d tokens are the same; %s%n", requests, answers, tokens, all);
    }
}

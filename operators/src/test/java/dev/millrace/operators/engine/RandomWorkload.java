package dev.millrace.operators.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.operators.engine.EngineFixture.AllocatorFactory;
import dev.millrace.operators.kvcache.BlockHasher;
import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.scheduler.Speculation;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Random operations on an engine of random limits, with scarce blocks and media rows, and prompts that share prefixes.
 * After each operation the books are checked; in the end each answer is compared with that of an engine which had
 * nothing else to do. The same seed does the same.
 */
final class RandomWorkload {

    private static final int MAX_MODEL_LEN = 128;

    private final Random random;
    private final AllocatorFactory allocators;
    private final BlockHasher hasher;
    private final boolean hasty;
    private final EngineConfig config;
    private final int numBlocks;
    private final int mediaRows;
    private final List<Sequence> all = new ArrayList<>();
    private EngineFixture fixture;
    private long preemptions;
    private long prefixHits;
    private long forks;
    private long copies;
    private long acceptedDrafts;
    private long rejectedDrafts;
    private long draftContexts;
    private long incompleteDraftContexts;

    /** @param hasty whether encodings are reported before they are done */
    RandomWorkload(long seed, AllocatorFactory allocators, BlockHasher hasher, boolean hasty) {
        this.hasty = hasty;
        this.random = new Random(seed);
        this.allocators = allocators;
        this.hasher = hasher;
        boolean chunked = random.nextInt(4) > 0;
        config = new EngineConfig(
                new Limits(
                        chunked ? 3 + random.nextInt(60) : MAX_MODEL_LEN + random.nextInt(30),
                        1 + random.nextInt(8),
                        MAX_MODEL_LEN),
                Scheduling.DEFAULT
                        .withPrefixCaching(random.nextInt(5) > 0)
                        .withChunkedPrefill(chunked)
                        .withLongPrefillTokenThreshold(random.nextInt(3) == 0 ? 5 + random.nextInt(20) : 0)
                        .withPolicy(random.nextBoolean() ? Policy.FCFS : Policy.PRIORITY)
                        .withStepsAhead(1 + random.nextInt(3))
                        .withSpeculation(speculation()));
        numBlocks = 1 + MAX_MODEL_LEN / EngineFixture.BLOCK_SIZE + random.nextInt(16);
        mediaRows = 18 + random.nextInt(12);
        fixture = newFixture();
    }

    private Speculation speculation() {
        int drafts = 1 + random.nextInt(6);
        int min = 1 + random.nextInt(2);
        return switch (random.nextInt(4)) {
            case 0 -> Speculation.NONE;
            case 1 -> new Speculation(drafts, min, min + random.nextInt(3));
            default -> Speculation.draftModel(drafts);
        };
    }

    private EngineFixture newFixture() {
        EngineFixture made = new EngineFixture(config, numBlocks, mediaRows, allocators, hasher);
        if (hasty) {
            made.executor.reportHastily();
        }
        return made;
    }

    long preemptions() {
        return preemptions;
    }

    long prefixHits() {
        return prefixHits;
    }

    long forks() {
        return forks;
    }

    long copies() {
        return copies;
    }

    long acceptedDrafts() {
        return acceptedDrafts;
    }

    long rejectedDrafts() {
        return rejectedDrafts;
    }

    /** How often tokens were drafted by a draft model. */
    long draftContexts() {
        return draftContexts;
    }

    /** How often of these it had not seen all that is before them. */
    long incompleteDraftContexts() {
        return incompleteDraftContexts;
    }

    void run(int operations) {
        for (int i = 0; i < operations; i++) {
            operate(random.nextInt(100));
            fixture.engine.checkIntegrity();
        }
        fixture.runToEnd();
        count();
        all.forEach(this::compareWithUndisturbed);
    }

    private void operate(int dice) {
        if (dice < 25) {
            if (fixture.engine.stats().numRequestsWaiting() < 12) {
                add();
            }
        } else if (dice < 60) {
            fixture.engine.launchSteps();
        } else if (dice < 65) {
            if (fixture.executor.mayEncode()) {
                fixture.executor.encodeOldest();
            }
        } else if (dice < 96) {
            if (fixture.executor.hasSteps()) {
                fixture.completeOldest();
            }
        } else if (dice < 99) {
            abort();
        } else if (random.nextInt(5) == 0) {
            restart();
        }
    }

    private void add() {
        int priority = config.scheduling().policy() == Policy.PRIORITY ? random.nextInt(3) : 0;
        int id = all.size();
        PreparedPrompt prompt = prompt();
        GenerationParams params = params();
        for (int choice = choices(); choice >= 0; choice--) {
            Sequence sequence = new Sequence("r" + id, choice, id, priority, prompt, params, new int[0], 0);
            all.add(sequence);
            fixture.engine.add(sequence);
        }
    }

    /** Beside the first. */
    private int choices() {
        return random.nextInt(3) > 0 ? 0 : random.nextInt(6);
    }

    private void abort() {
        if (!all.isEmpty()) {
            Sequence sequence = all.get(random.nextInt(all.size()));
            boolean unfinished =
                    all.stream().anyMatch(choice -> choice.isSibling(sequence) && !fixture.answers.isFinished(choice));
            assertThat(fixture.engine.tryAbort(sequence.requestId())).isEqualTo(unfinished);
        }
    }

    /** Starts a new engine from what a checkpoint would hold: the step in flight is lost. */
    private void restart() {
        count();
        EngineFixture next = newFixture();
        all.replaceAll(sequence -> {
            Sequence restored = next.answers.restored(sequence, fixture.answers);
            if (!next.answers.isFinished(restored)) {
                next.engine.add(restored);
            }
            return restored;
        });
        fixture = next;
    }

    private void count() {
        preemptions += fixture.engine.stats().numPreemptions();
        prefixHits += fixture.engine.stats().prefixCacheHits();
        SpeculationStats speculation = fixture.engine.stats().speculation();
        acceptedDrafts += speculation.numAcceptedTokens();
        rejectedDrafts += speculation.numDraftTokens() - speculation.numAcceptedTokens();
        draftContexts += fixture.executor.draftModel().contexts();
        incompleteDraftContexts += fixture.executor.draftModel().incomplete();
        for (ForwardBatch batch : fixture.executor.batches()) {
            forks += Arrays.stream(batch.sampleToken()).count()
                    - Arrays.stream(batch.sampleToken()).distinct().count();
            copies += batch.copyPairs().length / 2;
        }
    }

    private void compareWithUndisturbed(Sequence sequence) {
        EngineFixture alone = new EngineFixture(
                new EngineConfig(
                        new Limits(MAX_MODEL_LEN, 1, MAX_MODEL_LEN),
                        Scheduling.DEFAULT
                                .withPrefixCaching(false)
                                .withPolicy(Policy.PRIORITY)
                                .withStepsAhead(1)),
                40,
                64);
        Sequence again =
                new Sequence("again", sequence.choice(), 0, 0, sequence.prompt(), sequence.params(), new int[0], 0);
        alone.engine.add(again);
        alone.runToEnd();
        var expected = alone.answers.of(again);
        var answer = fixture.answers.of(sequence);
        assertThat(answer.finish).isNotNull();
        assertThat(logprobs(answer)).isEqualTo(logprobs(expected).subList(0, answer.promptLogprobs.size()));
        int scores = sequence.choice() > 0 || sequence.params().promptLogprobs() < 0 ? 0 : sequence.promptLength() - 1;
        assertThat(expected.promptLogprobs).hasSize(scores);
        if (answer.finish == FinishReason.ABORT) {
            int[] start = answer.tokens.toArray(0);
            assertThat(Arrays.copyOf(expected.tokens.toArray(0), start.length)).isEqualTo(start);
            assertThat(expected.text.toString()).startsWith(answer.text.toString());
        } else {
            assertThat(answer.promptLogprobs).hasSize(scores);
            assertThat(answer.tokens.toArray(0)).isEqualTo(expected.tokens.toArray(0));
            assertThat(answer.text.toString()).isEqualTo(expected.text.toString());
            assertThat(answer.finish).isEqualTo(expected.finish);
            assertThat(answer.text.toString()).isEqualTo(text(answer.tokens.toArray(0), sequence.params()));
        }
    }

    private static List<Float> logprobs(Answers.Answer answer) {
        return answer.promptLogprobs.stream().map(SampleLogprobs::logprob).toList();
    }

    /** The text of an answer, by another way: all tokens at once, cut at the stop text that is complete first of those looked for. */
    private static String text(int[] tokens, GenerationParams params) {
        LetterTokenizer tokenizer = new LetterTokenizer();
        int last = tokens[tokens.length - 1];
        boolean stopToken = (last == EngineFixture.END || last == 46)
                && tokens.length >= params.sampling().minTokens();
        int textual = stopToken && !params.includeStop() ? tokens.length - 1 : tokens.length;
        String text = tokenizer.decode(Arrays.copyOf(tokens, textual), true);
        int unsearched = tokenizer
                .decode(
                        Arrays.copyOf(
                                tokens, Math.min(textual, params.sampling().minTokens())),
                        true)
                .length();
        int cut = text.length();
        int best = Integer.MAX_VALUE;
        for (String stop : params.stop()) {
            int start = text.indexOf(stop, Math.max(0, unsearched - stop.length() + 1));
            int end = start + stop.length();
            if (start >= 0 && end < best) {
                best = end;
                cut = params.includeStop() ? end : start;
            }
        }
        return text.substring(0, cut);
    }

    /** Text that many prompts share, perhaps a picture of a few, text that many share, a little of its own. */
    private PreparedPrompt prompt() {
        IntList tokens = new IntList(64);
        List<MediaSpan> media = new ArrayList<>();
        int shared = random.nextInt(2);
        text(tokens, shared, new int[] {1, 9, 14, 20, 33}[random.nextInt(5)]);
        for (int i = random.nextInt(4) - 1; i > 0; i--) {
            int size = 1 + random.nextInt(3);
            var item = EngineFixture.picture(10 * size + random.nextInt(2), size, 2 * size);
            media.add(new MediaSpan(tokens.size(), item));
            for (int t = 0; t < item.numTokens(); t++) {
                tokens.add(EngineFixture.PICTURE);
            }
            text(tokens, shared, new int[] {0, 5, 18}[random.nextInt(3)]);
        }
        int own = 1 + random.nextInt(4);
        for (int i = 0; i < own; i++) {
            tokens.add(random.nextInt(4));
        }
        return EngineFixture.prompt(tokens.toArray(0), media.toArray(MediaSpan[]::new));
    }

    private static void text(IntList tokens, int shared, int length) {
        for (int i = 0; i < length; i++) {
            tokens.add((7 * i + shared) % 40);
        }
    }

    private GenerationParams params() {
        int maxTokens = 1 + random.nextInt(45);
        int minTokens = random.nextInt(3) == 0 ? random.nextInt(maxTokens) : 0;
        List<String> stop = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            stop.add(letters(2 + random.nextInt(3)));
        }
        List<int[]> badWords = random.nextInt(4) > 0
                ? List.of()
                : List.of(new int[] {random.nextInt(40), random.nextInt(40)}, new int[] {1, 2, 3});
        return GenerationParams.builder(
                        EngineFixture.sampling(random.nextInt(3), minTokens, EngineFixture.END, 46), maxTokens)
                .stopTokenIds(46)
                .eosTokenIds(EngineFixture.END)
                .stop(stop)
                .includeStop(random.nextBoolean())
                .logprobs(random.nextInt(4) == 0 ? 2 : -1)
                .promptLogprobs(random.nextInt(3) == 0 ? new int[] {0, 3, 300, 3000}[random.nextInt(4)] : -1)
                .badWords(badWords)
                .build();
    }

    private String letters(int length) {
        return random.ints(length, 'a', 'g')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}

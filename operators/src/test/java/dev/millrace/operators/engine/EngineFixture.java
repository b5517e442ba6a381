package dev.millrace.operators.engine;

import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.MropePositions;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.kvcache.BlockAllocator;
import dev.millrace.operators.kvcache.BlockHasher;
import dev.millrace.operators.kvcache.PoisoningAllocator;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** An engine over a remembering executor, driven step by step. */
final class EngineFixture {

    static final int BLOCK_SIZE = 16;
    static final int PICTURE = 60; // stands for a token of a picture
    static final int END = 47;
    static final int MANY_BLOCKS = 100;
    static final int MEDIA_ROWS = 64;

    final RememberingExecutor executor;
    final Answers answers = new Answers();
    final InferenceEngine engine;
    private long now;

    EngineFixture(EngineConfig config, int numBlocks, int mediaRows) {
        this(config, numBlocks, mediaRows, PoisoningAllocator::new, new BlockHasher(BLOCK_SIZE));
    }

    EngineFixture(EngineConfig config, int numBlocks, int mediaRows, AllocatorFactory allocators, BlockHasher hasher) {
        executor = new RememberingExecutor(
                numBlocks, BLOCK_SIZE, mediaRows, config.limits().maxNumSeqs());
        BlockAllocator allocator = allocators.create(numBlocks, executor::poison);
        engine = new InferenceEngine(
                config, executor, new LetterTokenizer(), new Encodings(), answers, allocator, hasher, () -> ++now);
    }

    /** Brings encodings to the engine; steps are brought by {@link #completeOldest}. */
    private final class Encodings implements ExecutorListener {
        @Override
        public void completed(StepOutput output) {}

        @Override
        public void failed(long step, Throwable cause) {}

        @Override
        public void encoded(long encoding) {
            engine.encoded(encoding);
        }

        @Override
        public void encodingFailed(long encoding, Throwable cause) {}
    }

    /** Makes an allocator that tells of blocks whose content is lost. */
    interface AllocatorFactory {
        BlockAllocator create(int numBlocks, IntConsumer poison);
    }

    void completeOldest() {
        engine.complete(executor.computeOldest());
    }

    /** Launches what may be launched and does the oldest encoding or else the oldest step; false if nothing was in flight. */
    boolean tryTurn() {
        engine.launchSteps();
        if (executor.mayEncode()) {
            executor.encodeOldest();
        } else if (executor.hasSteps()) {
            completeOldest();
        } else {
            return false;
        }
        return true;
    }

    void runToEnd() {
        while (tryTurn()) {}
        if (!engine.isIdle()) {
            throw new IllegalStateException("the engine has work left but launches nothing: " + engine.stats());
        }
        engine.checkIntegrity();
    }

    static EngineConfig config() {
        return new EngineConfig(new Limits(64, 8, 256), Scheduling.DEFAULT);
    }

    static MediaItem picture(long key, int height, int width) {
        return new MediaItem(new MediaKey(key, key), false, 1, 2 * height, 2 * width, 0, new float[0]);
    }

    static PreparedPrompt prompt(int[] tokens, MediaSpan... media) {
        List<MediaSpan> spans = List.of(media);
        return new PreparedPrompt(tokens, spans, MropePositions.of(tokens.length, spans, 2));
    }

    static SamplingParams sampling(long seed, int minTokens, int... stopIds) {
        return SamplingParams.builder()
                .temperature(1)
                .seed(seed)
                .minTokens(minTokens)
                .stopIds(stopIds)
                .build();
    }

    static GenerationParams params(int maxTokens, String... stop) {
        return GenerationParams.builder(sampling(1, 0, END), maxTokens)
                .eosTokenIds(END)
                .stop(List.of(stop))
                .build();
    }

    static Sequence sequence(int id, PreparedPrompt prompt, GenerationParams params) {
        return new Sequence("r" + id, 0, id, 0, prompt, params, new int[0], 0);
    }

    static EngineConfig config(int budget, int maxNumSeqs, Policy policy, int stepsAhead) {
        return new EngineConfig(
                new Limits(budget, maxNumSeqs, 256),
                Scheduling.DEFAULT.withPolicy(policy).withStepsAhead(stepsAhead));
    }

    static EngineFixture fixture(int budget) {
        return new EngineFixture(config(budget, 8, Policy.FCFS, 2), MANY_BLOCKS, MEDIA_ROWS);
    }

    static PreparedPrompt text(int length, int from) {
        return PreparedPrompt.text(
                IntStream.range(0, length).map(i -> (from + 7 * i) % 40).toArray());
    }

    /** So much text, a picture, so much text. */
    static PreparedPrompt illustrated(int before, MediaItem item, int after) {
        int[] tokens = IntStream.range(0, before + item.numTokens() + after)
                .map(i -> i >= before && i < before + item.numTokens() ? PICTURE : i % 40)
                .toArray();
        return prompt(tokens, new MediaSpan(before, item));
    }

    /** Never stops by itself. */
    static GenerationParams endless(int maxTokens) {
        return GenerationParams.builder(sampling(1, 0), maxTokens).build();
    }

    static String answer(EngineFixture fixture, PreparedPrompt prompt, GenerationParams params) {
        Sequence sequence = sequence(7, prompt, params);
        fixture.engine.add(sequence);
        fixture.runToEnd();
        return fixture.answers.of(sequence).text.toString();
    }

    static List<Integer> tokensPerStep(EngineFixture fixture) {
        return fixture.executor.batches().stream().map(ForwardBatch::numTokens).toList();
    }
}

package dev.millrace.operators.engine;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.DraftBatch;
import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.engine.EngineListener.SequenceOutput;
import dev.millrace.operators.kvcache.BlockAllocator;
import dev.millrace.operators.kvcache.BlockHasher;
import dev.millrace.operators.scheduler.Counts;
import dev.millrace.operators.scheduler.EncoderCache;
import dev.millrace.operators.scheduler.Scheduler;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Step;
import dev.millrace.operators.sequence.BeamSearch;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * The continuous-batching loop: schedule, launch, append, finish. Plain Java, one thread, no locks: whoever owns the
 * engine calls {@link #launchSteps} whenever something may have become possible, and hands each step's output, which the
 * executor's thread brought to {@code completions}, to {@link #complete} on the owner's thread, in order of the steps, and
 * likewise each encoding that is done to {@link #encoded}.
 *
 * <p>A step is launched before the one before it is handled, so a sequence may have ended when its next step comes back;
 * what that brings is dropped, and the sequence keeps its row and blocks until then.
 */
public final class InferenceEngine implements AutoCloseable {

    private final Limits limits;
    private final Scheduling scheduling;
    private final ModelExecutor executor;
    private final Tokenizer tokenizer;
    private final ExecutorListener completions;
    private final EngineListener listener;
    private final LongSupplier clock;
    private final BlockAllocator allocator;
    private final BlockHasher hasher;
    private final EncoderCache encoder;
    private final Scheduler scheduler;
    private final Admission admission;
    private final Map<String, List<Sequence>> requests = new HashMap<>();
    private final BeamSearches searches;
    private final Deque<Step> inFlight = new ArrayDeque<>();
    private final Acceptance acceptance;
    private long generationTokens;
    private long steps;
    private long stepTokens;

    /**
     * @param completions hears of steps and encodings on the executor's threads; posts them to the owner's
     * @param listener hears of tokens on the owner's thread
     * @throws IllegalArgumentException if the executor cannot hold the longest sequence allowed
     */
    public InferenceEngine(
            EngineConfig config,
            ModelExecutor executor,
            Tokenizer tokenizer,
            ExecutorListener completions,
            EngineListener listener) {
        this(
                config,
                executor,
                tokenizer,
                completions,
                listener,
                new BlockAllocator(executor.numBlocks()),
                new BlockHasher(executor.blockSize()),
                System::nanoTime);
    }

    InferenceEngine(
            EngineConfig config,
            ModelExecutor executor,
            Tokenizer tokenizer,
            ExecutorListener completions,
            EngineListener listener,
            BlockAllocator allocator,
            BlockHasher hasher,
            LongSupplier clock) {
        this.limits = config.limits();
        this.scheduling = config.scheduling();
        this.executor = executor;
        this.tokenizer = tokenizer;
        this.completions = completions;
        this.listener = listener;
        this.clock = clock;
        this.allocator = allocator;
        this.hasher = hasher;
        this.encoder =
                new EncoderCache(executor.mediaRows(), config.limits().maxNumBatchedTokens(), scheduling.stepsAhead());
        this.scheduler = new Scheduler(config.limits(), scheduling, allocator, executor.blockSize(), encoder);
        this.admission = new Admission(config, executor);
        this.acceptance = new Acceptance(scheduling.speculation().numSpeculativeTokens());
        this.searches = new BeamSearches(scheduler, listener, this::enter);
    }

    /**
     * Takes a sequence in; it waits for admission.
     *
     * @throws InvalidInputException if it can never run under the engine's limits; it is not taken in then
     */
    public void add(Sequence sequence) {
        admission.check(sequence);
        String id = sequence.requestId();
        List<Sequence> siblings = requests.getOrDefault(id, List.of());
        requireNew(id, siblings.stream().noneMatch(sibling -> sibling.choice() == sequence.choice()));
        requests.computeIfAbsent(id, key -> new ArrayList<>(1)).add(sequence);
        enter(sequence);
        scheduler.add(sequence);
        if (sequence.isFull()) {
            end(sequence, FinishReason.LENGTH);
        }
    }

    /**
     * Takes a beam search in; its choices are answered once it is over.
     *
     * @throws InvalidInputException as with {@link #add(Sequence)}
     */
    public void add(BeamSearch search) {
        admission.check(search.answers().get(0));
        requireNew(search.requestId(), !requests.containsKey(search.requestId()));
        searches.add(search);
    }

    private void requireNew(String requestId, boolean isNew) {
        if (!isNew || searches.contains(requestId)) {
            throw new InvalidInputException(
                    "request id " + requestId + " is being answered already; use another", "request_id");
        }
    }

    private void enter(Sequence sequence) {
        sequence.timeline().markAdded(clock.getAsLong());
        sequence.enter(tokenizer, hasher, limits.maxModelLen(), mayGuess(sequence));
    }

    /** What a grammar allows behind a draft is known for drafts that the host makes alone. */
    private boolean mayGuess(Sequence sequence) {
        return scheduling.speculation().isOn()
                && !(scheduling.speculation().hasDraftModel()
                        && sequence.completion().grammar() != null);
    }

    /** Ends a request's sequences with {@code ABORT}; false if there is none. Their blocks return when nothing of them is in flight. */
    public boolean tryAbort(String requestId) {
        if (searches.tryAbort(requestId)) {
            return true;
        }
        List<Sequence> sequences = requests.get(requestId);
        if (sequences == null) {
            return false;
        }
        List.copyOf(sequences).forEach(sequence -> end(sequence, FinishReason.ABORT));
        return true;
    }

    /** Launches as many steps as may be in flight, and encodings ahead of them; false if there was no step to launch. */
    public boolean launchSteps() {
        boolean launched = false;
        while (inFlight.size() < scheduling.stepsAhead()) {
            Step step = scheduler.schedule(inFlight.stream().noneMatch(Step::isSpeculative));
            encoder.tryTakeEncoding().ifPresent(batch -> executor.encode(batch, completions));
            if (step.isEmpty()) {
                break;
            }
            launch(step);
            launched = true;
        }
        return launched;
    }

    private void launch(Step step) {
        if (!step.admitted().isEmpty()) {
            long now = clock.getAsLong();
            step.admitted().forEach(sequence -> sequence.timeline().markScheduled(now));
        }
        inFlight.add(step);
        DraftBatch draft = scheduling.speculation().hasDraftModel() ? new DraftBatchBuilder(step).build() : null;
        executor.launch(new BatchBuilder(step, encoder).build(draft), completions);
    }

    /** Handles the output of the oldest step in flight. */
    public void complete(StepOutput output) {
        Step step = inFlight.remove();
        if (step.number() != output.step()) {
            throw new IllegalStateException("step " + step.number() + " is the oldest, but " + output.step() + " came");
        }
        steps++;
        stepTokens += step.numTokens();
        long now = clock.getAsLong();
        int sample = 0;
        Acceptance.Step verdict = acceptance.new Step(output);
        for (int i = 0; i < step.numSequences(); i++) {
            Sequence sequence = step.sequence(i);
            boolean sampled = step.samples(i);
            sequence.progress().landed(sampled);
            if (step.scores(i) > 0 && !sequence.completion().isFinished()) {
                score(sequence, output, sample, step.scores(i));
            }
            sample += step.scores(i);
            if (sampled) {
                int[] drafts = step.drafts(i);
                int accepted = verdict.accept(sequence, drafts, sample);
                if (!sequence.completion().isFinished()) {
                    handle(sequence, output, sample, 1 + accepted, now);
                }
                sample += 1 + drafts.length;
            }
            if (sequence.completion().isFinished() && sequence.progress().stepsInFlight() == 0) {
                scheduler.release(sequence);
            }
        }
        abortFailed(step);
    }

    /** With one that cannot go on, all of its request end. */
    private void abortFailed(Step step) {
        for (int i = 0; i < step.numSequences(); i++) {
            if (step.sequence(i).completion().finish() == FinishReason.ERROR) {
                tryAbort(step.sequence(i).requestId());
            }
        }
    }

    /** Handles the end of the oldest encoding in flight: its media may be read by the steps to come. */
    public void encoded(long encoding) {
        encoder.complete(encoding);
    }

    private void score(Sequence sequence, StepOutput output, int firstSample, int count) {
        int firstPosition = sequence.promptScores().handled() + 1;
        sequence.promptScores().handle(count);
        List<SampleLogprobs> all = Arrays.asList(output.logprobs());
        listener.onPromptLogprobs(sequence, firstPosition, all.subList(firstSample, firstSample + count));
    }

    private void handle(Sequence sequence, StepOutput output, int sample, int count, long now) {
        sequence.timeline().markToken(now);
        if (sequence.isBeam()) {
            generationTokens++;
            searches.handle(sequence, output.logprobs()[sample]);
        } else {
            append(sequence, output, sample, count);
        }
    }

    /** Appends the tokens that were sampled, up to one that ends the answer. */
    private void append(Sequence sequence, StepOutput output, int sample, int count) {
        int position = sequence.outputLength();
        int textStart = sequence.completion().emittedChars();
        List<String> pieces = new ArrayList<>(count);
        while (pieces.size() < count && !sequence.completion().isFinished()) {
            pieces.add(sequence.append(output.tokens()[sample + pieces.size()]));
        }
        int end = sample + pieces.size();
        generationTokens += pieces.size();
        scheduler.register(sequence);
        if (sequence.completion().isFinished()) {
            forget(sequence);
        }
        boolean hasLogprobs = sequence.params().logprobs() >= 0;
        listener.onOutput(new SequenceOutput(
                sequence,
                position,
                Arrays.copyOfRange(output.tokens(), sample, end),
                pieces,
                textStart,
                hasLogprobs ? List.of(Arrays.copyOfRange(output.logprobs(), sample, end)) : null,
                sequence.completion().finish(),
                sequence.completion().stopReason()));
    }

    /** Ends a sequence without a token. */
    private void end(Sequence sequence, FinishReason reason) {
        sequence.completion().finish(reason);
        forget(sequence);
        if (sequence.progress().stepsInFlight() == 0) {
            scheduler.release(sequence);
        }
        listener.onOutput(new SequenceOutput(
                sequence,
                sequence.outputLength(),
                new int[0],
                List.of(),
                sequence.completion().emittedChars(),
                null,
                reason,
                null));
    }

    private void forget(Sequence sequence) {
        scheduler.remove(sequence);
        List<Sequence> siblings = requests.get(sequence.requestId());
        siblings.remove(sequence);
        if (siblings.isEmpty()) {
            requests.remove(sequence.requestId());
        }
    }

    /** Whether no sequence waits or runs and no step or encoding is in flight. */
    public boolean isIdle() {
        return requests.isEmpty() && searches.isEmpty() && inFlight.isEmpty() && encoder.isIdle();
    }

    /** Counts and gauges since the start, for metrics and the log line. */
    public EngineStats stats() {
        Counts counts = scheduler.counts();
        return new EngineStats(
                scheduler.running().size(),
                scheduler.numWaiting(),
                1 - (double) allocator.numFree() / allocator.capacity(),
                counts.promptTokens(),
                generationTokens,
                counts.preemptions(),
                counts.prefixQueries(),
                counts.prefixHits(),
                encoder.queries(),
                encoder.hits(),
                steps,
                stepTokens,
                acceptance.stats());
    }

    /**
     * Checks that blocks and media rows are held by exactly the sequences that may hold them.
     *
     * @throws IllegalStateException saying what is wrong
     */
    public void checkIntegrity() {
        Set<Sequence> holders = new LinkedHashSet<>(scheduler.running());
        for (Step step : inFlight) {
            for (int i = 0; i < step.numSequences(); i++) {
                holders.add(step.sequence(i));
            }
        }
        allocator.checkIntegrity(
                holders.stream().map(s -> s.placement().blocks()).toList());
        encoder.checkIntegrity(holders);
    }

    /** Waits for the steps in flight and closes the executor. */
    @Override
    public void close() {
        executor.close();
    }
}

package dev.millrace.bench;

import dev.millrace.job.direct.EngineLoop;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.engine.EngineListener;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A model that is loaded for a measurement, and the engine on it. */
final class LoadedModel implements AutoCloseable, EngineListener {

    private static final int UNDER_WAY = 4; // a quarter of the answer
    private static final int[] NONE = {};

    private final BenchOptions options;
    private final ModelCost cost;
    private final RandomPrompts prompts;
    private final Floor floor; // null on the CPU
    private final Meter meter;
    private final EngineLoop loop;
    private List<Timing> timings = new ArrayList<>();
    private int finished;

    /**
     * @param maxNumSeqs sequences that run at a time
     */
    LoadedModel(BenchOptions options, int maxNumSeqs) throws IOException {
        this(options, options.device.executors(), maxNumSeqs);
    }

    /** As the other, on an executor of the caller's choice. */
    LoadedModel(BenchOptions options, ModelExecutorFactory executors, int maxNumSeqs) throws IOException {
        this.options = options;
        ModelConfig config = ModelConfigReader.read(options.model);
        this.cost = new ModelCost(config);
        this.prompts = new RandomPrompts(options, config, new Random(options.seed));
        EngineSetup setup = EngineSetup.of(options, prompts, maxNumSeqs);
        this.floor = Floor.of(options, cost);
        this.meter = new Meter(executors.open(options.model, setup.executor(), setup.limits()));
        this.loop = new EngineLoop(
                setup.engine(), meter, new OneWordTokenizer(config.text().vocabSize()), this);
    }

    RandomPrompts prompts() {
        return prompts;
    }

    /** The least time of the work; null on the CPU. */
    Floor floor() {
        return floor;
    }

    /** Time that the device was at steps so far. */
    long computeNanos() {
        return meter.computeNanos();
    }

    /** Rates on a GPU over batches that took the device {@code computeNanos} together. */
    GpuRates gpuRates(List<List<Timing>> batches, long computeNanos) {
        int size = batches.get(0).size();
        int length = prompts.promptLength();
        double total = 0;
        double prefill = 0;
        double decode = 0;
        long decoded = 0;
        for (List<Timing> batch : batches) {
            long begun = Timing.allBegun(batch);
            long ended = Timing.anyEnded(batch);
            total += Timing.latency(batch);
            prefill += Timing.seconds(begun - Timing.start(batch));
            decode += Timing.seconds(ended - begun);
            decoded += batch.stream()
                    .mapToLong(timing -> timing.tokensWithin(begun, ended))
                    .sum();
        }
        double prefillFloor =
                floor.encode(size * prompts.mediaFlops()) + floor.prefill(size, length, options.maxNumBatchedTokens);
        double decodeFloor = floor.decodeStep(size, length + options.outputLen / 2.0);
        return new GpuRates(
                new GpuRates.Rate((double) batches.size() * size * length / prefill, size * length / prefillFloor),
                new GpuRates.Rate(decoded / decode, size / decodeFloor),
                Timing.seconds(computeNanos) / total,
                floor);
    }

    /** Operations of one decoded token in the middle of an answer. */
    double flopsPerDecodedToken() {
        return cost.decode(prompts.promptLength() + options.outputLen / 2.0);
    }

    /** Operations of a whole prompt and its answer. */
    double flopsPerPrompt() {
        return prompts.mediaFlops()
                + cost.prefill(prompts.promptLength())
                + (options.outputLen - 1) * flopsPerDecodedToken();
    }

    /** Generates answers to {@code count} new prompts, all handed over at once. */
    List<Timing> generate(int count) throws IOException, InterruptedException {
        timings = new ArrayList<>();
        finished = 0;
        for (int i = 0; i < count; i++) {
            PreparedPrompt prompt = prompts.next();
            timings.add(new Timing());
            loop.submit(new Sequence(Integer.toString(i), 0, i, 0, prompt, params(), NONE, 0));
        }
        loop.runUntil(() -> finished == count);
        loop.drain();
        return timings;
    }

    /**
     * What happened when a prompt with pictures came while others ran.
     *
     * @param running the others' tokens
     * @param picture its own
     * @param arrival when it was handed over
     * @param encoded when the first step was launched that reads its embeddings
     */
    record Interference(List<Timing> running, Timing picture, long arrival, long encoded) {}

    /** Hands over a prompt with pictures once so many others are well under way. */
    Interference interfere(int others) throws IOException, InterruptedException {
        timings = new ArrayList<>();
        finished = 0;
        PreparedPrompt withPictures = prompts.next();
        for (int i = 0; i < others; i++) {
            timings.add(new Timing());
            loop.submit(new Sequence(Integer.toString(i), 0, i, 0, prompts.text(), params(), NONE, 0));
        }
        int underWay = options.outputLen / UNDER_WAY;
        loop.runUntil(() -> timings.stream().allMatch(timing -> timing.numTokens() >= underWay));
        meter.takeFirstMediaStep();
        long arrival = System.nanoTime();
        timings.add(new Timing());
        loop.submit(new Sequence(Integer.toString(others), 0, others, 0, withPictures, params(), NONE, 0));
        loop.runUntil(() -> finished == others + 1);
        loop.drain();
        return new Interference(timings.subList(0, others), timings.get(others), arrival, meter.takeFirstMediaStep());
    }

    @Override
    public void onOutput(SequenceOutput output) {
        timings.get(Integer.parseInt(output.sequence().requestId())).add(output.tokens().length);
        finished += output.finish() == null ? 0 : 1;
    }

    @Override
    public void close() {
        loop.close();
    }

    private GenerationParams params() {
        return GenerationParams.builder(SamplingParams.greedy(), options.outputLen)
                .skipSpecialTokens(false)
                .build();
    }
}

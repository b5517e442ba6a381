package dev.millrace.bench;

import dev.millrace.job.cli.DeviceOptions;
import dev.millrace.job.cli.SpeculativeConfig;
import dev.millrace.job.demo.DemoConfig;
import dev.millrace.job.direct.EngineLoop;
import dev.millrace.job.direct.Prompts;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.prompt.PromptInput;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.model.tokenizer.DjlTokenizer;
import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.engine.EngineConfig;
import dev.millrace.operators.engine.EngineListener;
import dev.millrace.operators.engine.SpeculationStats;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.sequence.Sequence;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Answers prompts greedily, many at a time, with the engine alone. */
final class Answers implements AutoCloseable, EngineListener {

    private static final int[] NONE = {};

    private final PromptPreparer preparer;
    private final GenerationParams params;
    private final EngineLoop loop;
    private List<StringBuilder> texts = List.of();
    private int finished;
    private final Map<Sequence, Long> lastEvents = new HashMap<>();
    private long decodedTokens;
    private long decodeNanos;

    Answers(Path folder, int maxTokens, DeviceOptions device) throws IOException {
        this(folder, maxTokens, device, SpeculativeConfig.NONE);
    }

    Answers(Path folder, int maxTokens, DeviceOptions device, SpeculativeConfig speculation) throws IOException {
        var model = new ModelDirectory(folder);
        DjlTokenizer tokenizer = model.tokenizer();
        OperatorConfig config = DemoConfig.of(folder, folder, device.gpu())
                .withSpeculation(speculation.engine(), speculation.executor());
        this.preparer = Prompts.preparer(model, tokenizer);
        this.params = GenerationParams.builder(SamplingParams.greedy(), maxTokens)
                .eosTokenIds(ends(model))
                .build();
        ModelExecutorFactory executors = device.executors();
        Limits limits = config.settledLimits(executors, model.config());
        this.loop = new EngineLoop(
                new EngineConfig(limits, config.scheduling()),
                executors.open(folder, config.executor(), limits),
                tokenizer,
                this);
    }

    /** The answers, in order. */
    List<String> to(List<? extends PromptInput> prompts) throws InterruptedException {
        texts = new ArrayList<>();
        prompts.forEach(prompt -> texts.add(new StringBuilder()));
        finished = 0;
        IntStream.range(0, prompts.size())
                .parallel()
                .forEach(i -> loop.submit(new Sequence(
                        Integer.toString(i),
                        0,
                        i,
                        0,
                        preparer.prepare(prompts.get(i)).prompt(),
                        params,
                        NONE,
                        0)));
        loop.runUntil(() -> finished == prompts.size());
        loop.drain();
        return texts.stream().map(StringBuilder::toString).toList();
    }

    /** Tokens a second of an answer between the first event and the last, over all answers so far that had two. */
    double decodeRate() {
        return 1e9 * decodedTokens / decodeNanos;
    }

    /** Begins to measure anew. */
    void resetRate() {
        decodedTokens = 0;
        decodeNanos = 0;
    }

    /** What came of drafts so far. */
    SpeculationStats speculation() {
        return loop.stats().speculation();
    }

    @Override
    public void onOutput(SequenceOutput output) {
        long now = System.nanoTime();
        Long before = lastEvents.put(output.sequence(), now);
        if (before != null) {
            decodedTokens += output.tokens().length;
            decodeNanos += now - before;
        }
        if (output.finish() != null) {
            lastEvents.remove(output.sequence());
        }
        StringBuilder text = texts.get(Integer.parseInt(output.sequence().requestId()));
        output.text().forEach(text::append);
        finished += output.finish() == null ? 0 : 1;
    }

    @Override
    public void close() {
        loop.close();
    }

    private static int[] ends(ModelDirectory model) {
        return IntStream.concat(
                        IntStream.of(model.config().text().eosTokenIds()),
                        IntStream.of(model.generationConfig().eosTokenIds()))
                .distinct()
                .toArray();
    }
}

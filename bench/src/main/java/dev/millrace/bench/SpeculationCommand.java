package dev.millrace.bench;

import dev.millrace.bench.DraftedBatch.Source;
import dev.millrace.bench.DraftedBatch.Steps;
import dev.millrace.bench.figures.Count;
import dev.millrace.bench.figures.Figures;
import dev.millrace.job.cli.SpeculativeConfig;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Measures what speculative decoding costs where nothing is accepted, and what it gains where all is: with drafts that cost
 * nothing, which no real drafter reaches, and with those of a draft model.
 */
@Command(
        name = "speculation",
        description =
                "What steps with drafts take and bring, on the executor alone: where none is accepted, and where all are.")
final class SpeculationCommand implements Callable<Integer> {

    private static final int BLOCK_SIZE = 16;
    private static final int WARMUP_STEPS = 20;
    private static final double MILLIS = 1e3;

    @Spec
    private CommandSpec spec;

    @Mixin
    private BenchOptions options;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            arity = "1..*",
            converter = Count.class,
            description = "Sequences that run together (default: 1 8 64).")
    private List<Integer> batchSizes = List.of(1, 8, 64);

    @Option(
            names = "--num-speculative-tokens",
            paramLabel = "K",
            arity = "1..*",
            converter = Count.class,
            description = "Drafts of a sequence in a step (default: 3 5).")
    private List<Integer> drafts = List.of(3, 5);

    @Option(
            names = "--draft-model",
            paramLabel = "DIR",
            description = "Folder of the draft model (default: the model drafts for itself).")
    private Path draftModel;

    @Override
    public Integer call() throws Exception {
        if (!options.speculativeConfig.equals(SpeculativeConfig.NONE)) {
            throw new InvalidInputException(
                    "--speculative-config says nothing here; give --draft-model and --num-speculative-tokens",
                    "--speculative-config");
        }
        PrintWriter out = spec.commandLine().getOut();
        var figures = new Figures();
        try (ModelExecutor executor = options.device
                .executors()
                .open(options.model, config(), new Limits(options.maxNumBatchedTokens, sequences(), length()))) {
            for (int size : batchSizes) {
                Steps plain = plain(executor, size);
                figures.put("plain_seconds_%d".formatted(size), plain.secondsPerStep());
                for (int k : drafts) {
                    out.printf(
                            Locale.ROOT,
                            "Batch %d, %d drafts: plain %.3f ms a step (%.3f on the device), %.1f tokens/s%n",
                            size,
                            k,
                            MILLIS * plain.secondsPerStep(),
                            MILLIS * plain.deviceSecondsPerStep(),
                            plain.tokensPerSecond());
                    for (Source source : Source.values()) {
                        Steps steps = drafted(executor, source, size, k);
                        report(out, source, k, steps, plain);
                        String name = "%s_%d_%d".formatted(source.name().toLowerCase(Locale.ROOT), size, k);
                        figures.put(name + "_seconds", steps.secondsPerStep())
                                .put(name + "_device_seconds", steps.deviceSecondsPerStep())
                                .put(name + "_accepted", steps.acceptedOf(k))
                                .put(name + "_speed_up", steps.tokensPerSecond() / plain.tokensPerSecond());
                    }
                    out.flush();
                }
            }
        }
        figures.write(options.json);
        return 0;
    }

    private static void report(PrintWriter out, Source source, int k, Steps steps, Steps plain) {
        String what =
                switch (source) {
                    case WRONG -> "drafts at no cost, all wrong";
                    case RIGHT -> "drafts at no cost, all right";
                    case BOUND_MODEL -> "the draft model's, bound to be right";
                    case MODEL -> "the draft model's, as it draws them";
                };
        out.printf(
                Locale.ROOT,
                "  %-36s %.3f ms a step (%.3f on the device), %+.1f %%; %.1f %% accepted, %.1f tokens/s, speed-up %.2f%n",
                what,
                MILLIS * steps.secondsPerStep(),
                MILLIS * steps.deviceSecondsPerStep(),
                100 * (steps.secondsPerStep() / plain.secondsPerStep() - 1),
                100 * steps.acceptedOf(k),
                steps.tokensPerSecond(),
                steps.tokensPerSecond() / plain.tokensPerSecond());
    }

    private Steps plain(ModelExecutor executor, int size) {
        DraftedBatch batch = batch(executor, Source.WRONG, size);
        batch.plain(WARMUP_STEPS);
        return batch.plain(options.outputLen);
    }

    /** So many steps that the sequences become as long as the plain ones if all drafts are accepted. */
    private Steps drafted(ModelExecutor executor, Source source, int size, int k) {
        DraftedBatch batch = batch(executor, source, size);
        batch.drafted(WARMUP_STEPS, k);
        return batch.drafted(source == Source.WRONG ? options.outputLen : Math.max(1, options.outputLen / (k + 1)), k);
    }

    private DraftedBatch batch(ModelExecutor executor, Source source, int size) {
        var batch = new DraftedBatch(executor, source, size, options.inputLen, length(), new Random(options.seed));
        batch.begin(options.maxNumBatchedTokens);
        return batch;
    }

    private int length() {
        return options.inputLen + options.outputLen + (WARMUP_STEPS + 1) * (1 + most(drafts));
    }

    private int sequences() {
        return options.withinBudget("--batch-size", most(batchSizes));
    }

    private ExecutorConfig config() {
        boolean sees = ModelConfigReader.read(options.model).hasVision();
        Path draft = draftModel == null ? options.model : draftModel;
        return options.executorConfig()
                .withCache(Cache.ofBlocks(1 + sequences() * DraftedBatch.blocks(length())))
                .withMediaRows(sees ? options.maxNumBatchedTokens : 0)
                .withSpeculation(new ExecutorConfig.Speculation(draft.toString(), most(drafts)));
    }

    private static int most(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).max().orElseThrow();
    }
}

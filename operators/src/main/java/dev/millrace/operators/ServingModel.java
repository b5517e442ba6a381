package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.config.GenerationConfig;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.directory.DraftModel;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.model.tokenizer.DjlTokenizer;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.OperatorConfig.SamplingDefaults;
import dev.millrace.operators.request.GenerationDefaults;
import dev.millrace.operators.request.Grammars;
import dev.millrace.operators.request.RequestLimits;
import dev.millrace.operators.request.RequestResolver;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A checkpoint opened for serving: what prepares requests for it, and what computes.
 *
 * @param tokenizer the checkpoint's
 * @param preparer makes requests ready for the engine
 * @param executor computes; whoever has this record closes it
 * @param limits what steps and sequences may hold
 */
record ServingModel(Tokenizer tokenizer, RequestPreparer preparer, ModelExecutor executor, Limits limits) {

    private static final Logger LOG = LoggerFactory.getLogger(ServingModel.class);

    /**
     * Loads the model, its executor last.
     *
     * @throws CheckpointException if the folder cannot be used, or that of the draft model
     * @throws IllegalArgumentException if the configuration does not fit the checkpoint
     * @throws InvalidInputException if what was said of limits does not suit the device or the checkpoint
     * @throws IllegalStateException if this JVM lacks what the executor needs; says which line to add where
     */
    static ServingModel open(OperatorConfig config, ModelExecutorFactory executors) throws IOException {
        long start = System.nanoTime();
        var directory = new ModelDirectory(Path.of(config.model()));
        ModelConfig model = directory.config();
        Limits asked = config.settledLimits(executors, model);
        DjlTokenizer tokenizer = directory.tokenizer();
        if (config.executor().speculation().hasDraftModel()) {
            DraftModel.check(Path.of(config.executor().speculation().draftModel()), tokenizer);
        }
        GenerationConfig defaults = defaults(config.sampling(), directory);
        RequestPreparer preparer = preparer(config, directory, tokenizer, defaults, asked);
        ModelExecutor executor = executors.open(directory.folder(), config.executor(), asked);
        Limits limits = config.executor().cache().mayBeShort() ? fitted(asked, executor) : asked;
        if (!limits.equals(asked)) {
            preparer = preparer(config, directory, tokenizer, defaults, limits);
        }
        logStart(config, limits, executor, System.nanoTime() - start);
        return new ServingModel(tokenizer, preparer, executor, limits);
    }

    /** Sequences are no longer than the cache is. */
    private static Limits fitted(Limits asked, ModelExecutor executor) {
        if (executor.cacheTokens() >= asked.maxModelLen()) {
            return asked;
        }
        info(
                "Auto-fit max_model_len: reduced from %d to %d to fit in the KV cache",
                asked.maxModelLen(), executor.cacheTokens());
        return asked.withMaxModelLen((int) executor.cacheTokens());
    }

    private static RequestPreparer preparer(
            OperatorConfig config,
            ModelDirectory directory,
            DjlTokenizer tokenizer,
            GenerationConfig defaults,
            Limits limits) {
        PromptPreparer prompts = config.media()
                .preparer(
                        directory,
                        tokenizer,
                        directory.chatRenderer(tokenizer, config.chatTemplate()),
                        limits.maxModelLen(),
                        config.queue().bytes());
        var requests = new RequestLimits(
                config.servedModelNames(),
                limits.maxModelLen(),
                config.maxLogprobs(),
                config.scheduling().policy() == Policy.PRIORITY,
                config.sampling().seed());
        TextConfig text = directory.config().text();
        return new RequestPreparer(
                new RequestResolver(requests, text, defaults, tokenizer),
                prompts,
                new Grammars(tokenizer, text.vocabSize()),
                limits.maxModelLen(),
                text.vocabSize());
    }

    private static GenerationConfig defaults(SamplingDefaults sampling, ModelDirectory directory) {
        GenerationConfig defaults =
                GenerationDefaults.load(directory, sampling.generationConfig(), sampling.overrides());
        Map<String, Number> overridden = defaults.overriddenDefaults();
        if (!overridden.isEmpty()) {
            LOG.info(
                    "Default sampling parameters have been overridden by the model's generation config: {}. To keep"
                            + " vLLM's, say --generation-config vllm.",
                    overridden);
        }
        return defaults;
    }

    private static void logStart(OperatorConfig config, Limits limits, ModelExecutor executor, long nanos) {
        long tokens = executor.cacheTokens();
        int longest = limits.maxModelLen();
        info(
                "Model loading took %.2f seconds: %s from %s",
                nanos / 1e9, config.servedModelNames().get(0), config.model());
        info("Steps of at most %,d tokens and %,d sequences", limits.maxNumBatchedTokens(), limits.maxNumSeqs());
        info("KV cache size: %,d tokens", tokens);
        info("Maximum concurrency for %,d tokens per request: %.2fx", longest, (double) tokens / longest);
    }

    private static void info(String line, Object... args) {
        LOG.info(String.format(Locale.ROOT, line, args));
    }
}

package dev.millrace.operators;

import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.config.GenerationConfig;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.directory.DraftModel;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.model.tokenizer.DjlTokenizer;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.OperatorConfig.SamplingDefaults;
import dev.millrace.operators.engine.EngineConfig;
import dev.millrace.operators.engine.EngineConfig.Policy;
import dev.millrace.operators.request.GenerationDefaults;
import dev.millrace.operators.request.Grammars;
import dev.millrace.operators.request.RequestLimits;
import dev.millrace.operators.request.RequestResolver;
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
 */
record ServingModel(Tokenizer tokenizer, RequestPreparer preparer, ModelExecutor executor) {

    private static final Logger LOG = LoggerFactory.getLogger(ServingModel.class);

    /**
     * Loads the model, its executor last.
     *
     * @throws CheckpointException if the folder cannot be used, or that of the draft model
     * @throws IllegalArgumentException if the configuration does not fit the checkpoint
     * @throws IllegalStateException if this JVM lacks what the executor needs; says which line to add where
     */
    static ServingModel open(OperatorConfig config, ModelExecutorFactory executors) throws IOException {
        long start = System.nanoTime();
        var directory = new ModelDirectory(Path.of(config.model()));
        ModelConfig model = directory.config();
        EngineConfig engine = config.engine();
        requirePositions(engine, model);
        DjlTokenizer tokenizer = directory.tokenizer();
        if (config.executor().speculation().hasDraftModel()) {
            DraftModel.check(Path.of(config.executor().speculation().draftModel()), tokenizer);
        }
        PromptPreparer prompts = config.media()
                .preparer(
                        directory,
                        tokenizer,
                        directory.chatRenderer(tokenizer, config.chatTemplate()),
                        engine.maxModelLen(),
                        config.queue().bytes());
        var preparer = new RequestPreparer(
                resolver(config, directory, tokenizer),
                prompts,
                new Grammars(tokenizer, model.text().vocabSize()),
                engine.maxModelLen(),
                model.text().vocabSize());
        ModelExecutor executor = executors.open(directory.folder(), config.executor());
        logStart(config, executor, System.nanoTime() - start);
        return new ServingModel(tokenizer, preparer, executor);
    }

    private static void requirePositions(EngineConfig engine, ModelConfig model) {
        int positions = model.text().maxPositionEmbeddings();
        if (engine.maxModelLen() > positions) {
            throw new IllegalArgumentException("max-model-len is " + engine.maxModelLen() + ", but the checkpoint has "
                    + positions + " positions; lower it");
        }
    }

    private static RequestResolver resolver(OperatorConfig config, ModelDirectory directory, Tokenizer tokenizer) {
        SamplingDefaults sampling = config.sampling();
        GenerationConfig defaults =
                GenerationDefaults.load(directory, sampling.generationConfig(), sampling.overrides());
        Map<String, Number> overridden = defaults.overriddenDefaults();
        if (!overridden.isEmpty()) {
            LOG.info(
                    "Default sampling parameters have been overridden by the model's generation config: {}. To keep"
                            + " vLLM's, say --generation-config vllm.",
                    overridden);
        }
        var limits = new RequestLimits(
                config.servedModelNames(),
                config.engine().maxModelLen(),
                config.maxLogprobs(),
                config.engine().policy() == Policy.PRIORITY,
                sampling.seed());
        return new RequestResolver(limits, directory.config().text(), defaults, tokenizer);
    }

    private static void logStart(OperatorConfig config, ModelExecutor executor, long nanos) {
        long tokens = (executor.numBlocks() - 1L) * executor.blockSize();
        int longest = config.engine().maxModelLen();
        info(
                "Model loading took %.2f seconds: %s from %s",
                nanos / 1e9, config.servedModelNames().get(0), config.model());
        info("KV cache size: %,d tokens", tokens);
        info("Maximum concurrency for %,d tokens per request: %.2fx", longest, (double) tokens / longest);
    }

    private static void info(String line, Object... args) {
        LOG.info(String.format(Locale.ROOT, line, args));
    }
}

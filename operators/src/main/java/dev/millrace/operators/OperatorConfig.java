package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.request.GenerationDefaults;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Speculation;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Everything the inference operator is told; travels inside the job to where the work is done.
 *
 * @param model folder of the checkpoint, on the machine that does the work
 * @param servedModelNames the names that requests may use for it, the first of which stands for it elsewhere
 * @param limits what steps and sequences may hold
 * @param executor how the executor is built
 * @param scheduling how steps are filled
 * @param sampling where sampling values come from that a request leaves open
 * @param maxLogprobs most log-probabilities at a position; −1: the vocabulary
 * @param media what media are let in and how they are resized
 * @param queue how much may be waiting
 * @param chatTemplate text of the template that replaces the checkpoint's; null: none does
 * @param logStats whether a line of figures is logged every ten seconds
 */
public record OperatorConfig(
        String model,
        List<String> servedModelNames,
        LimitSettings limits,
        ExecutorConfig executor,
        Scheduling scheduling,
        SamplingDefaults sampling,
        int maxLogprobs,
        MediaSettings media,
        QueueLimits queue,
        String chatTemplate,
        boolean logStats)
        implements Serializable {

    /**
     * The limits where the work is done.
     *
     * @throws InvalidInputException if what was said of them does not suit the device or the model
     */
    public Limits settledLimits(ModelExecutorFactory executors, ModelConfig model) {
        return limits.settle(
                executors.defaults(executor), model.text().maxPositionEmbeddings(), scheduling.enableChunkedPrefill());
    }

    /**
     * Reads the model, but for the values of its weights: what is not right there, or does not suit it, is said before anything
     * starts.
     *
     * @throws CheckpointException if a file is missing or not right
     * @throws IllegalArgumentException if what was said of sampling is not known
     * @throws InvalidInputException if what was said of limits does not suit the device or the model
     */
    public void check(ModelExecutorFactory executors) {
        var directory = new ModelDirectory(Path.of(model));
        settledLimits(executors, directory.config());
        directory.preprocessorConfig();
        directory.tokenizer();
        GenerationDefaults.load(directory, sampling.generationConfig(), sampling.overrides());
        directory.weights(executor.loadFormat()).close();
    }

    /** The same with an executor that is built otherwise. */
    public OperatorConfig withExecutor(ExecutorConfig other) {
        return new OperatorConfig(
                model,
                servedModelNames,
                limits,
                other,
                scheduling,
                sampling,
                maxLogprobs,
                media,
                queue,
                chatTemplate,
                logStats);
    }

    /** The same with speculative decoding. */
    public OperatorConfig withSpeculation(Speculation drafts, ExecutorConfig.Speculation room) {
        return new OperatorConfig(
                model,
                servedModelNames,
                limits,
                executor.withSpeculation(room),
                scheduling.withSpeculation(drafts),
                sampling,
                maxLogprobs,
                media,
                queue,
                chatTemplate,
                logStats);
    }

    /** The same on GPUs that the cluster assigned, as nvidia-smi numbers them; may be none. */
    OperatorConfig onGpus(List<String> indices) {
        return withExecutor(executor.withGpu(executor.gpu().withAssigned(indices)));
    }

    /**
     * Sampling values that a request leaves open.
     *
     * @param generationConfig {@code auto}: the checkpoint's file; {@code vllm}: vLLM's own defaults; else a folder that
     *     holds a generation_config.json
     * @param overrides values that replace those, by vLLM's names
     * @param seed is mixed into the seeds of requests that bring none
     */
    public record SamplingDefaults(String generationConfig, Map<String, Double> overrides, long seed)
            implements Serializable {

        public static final SamplingDefaults CHECKPOINT = new SamplingDefaults("auto", Map.of(), 0);
    }

    /**
     * How much may be unfinished at a subtask before its gate closes, and how it is prepared.
     *
     * @param requests unfinished requests
     * @param bytes bytes of their contents: texts and encoded media
     * @param preparationThreads threads that fetch, decode and tokenise
     * @param preparedBytes bytes of decoded pictures and videos at which no further request is prepared; 0: a quarter of
     *     the heap
     */
    public record QueueLimits(int requests, long bytes, int preparationThreads, long preparedBytes)
            implements Serializable {

        public static final QueueLimits DEFAULT = new QueueLimits(2_048, 256L << 20, 4, 0);
    }
}

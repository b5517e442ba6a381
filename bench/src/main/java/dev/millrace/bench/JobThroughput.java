package dev.millrace.bench;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.LimitSettings;
import dev.millrace.operators.MediaSettings;
import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.operators.OperatorConfig.SamplingDefaults;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The whole job's rate: the engine's prompts as token ids from Kafka, through Flink and the same engine, back to Kafka.
 * The clock runs from the first prompt's submission to the arrival of the last answer's end at a reader of uncommitted
 * events. Loading and starting are not in it; reading prompts, checkpoints, the client and the broker are.
 */
final class JobThroughput {

    private final BenchOptions options;
    private final RandomPrompts prompts;
    private final EngineSetup setup;
    private int asked;

    /**
     * @param seconds from the first prompt's submission to the last answer's arrival
     * @param tokens of the answers
     * @param busy share of that time in which the device was at a step
     */
    record Result(double seconds, long tokens, double busy) {}

    /**
     * @param maxNumSeqs sequences that run at a time
     * @throws InvalidInputException if the prompts have pictures, which are not given as token ids
     */
    JobThroughput(BenchOptions options, int maxNumSeqs) throws IOException {
        if (!options.images.isEmpty()) {
            throw new InvalidInputException(
                    "--images goes with --backend engine; leave it out, or measure pictures through the job with"
                            + " 'bench captions'",
                    "--images");
        }
        this.options = options;
        this.prompts = new RandomPrompts(options, ModelConfigReader.read(options.model), new Random(options.seed));
        this.setup = EngineSetup.of(options, prompts, maxNumSeqs);
    }

    /**
     * @param folder an empty folder for the data of broker and cluster
     * @throws IllegalStateException if an answer is missing, failed or not as long as it was to be
     */
    Result measure(Path folder, ModelExecutorFactory executors, int warmups, int count) throws IOException {
        Path model = ServableFolder.of(options.model, folder.resolve("model"));
        try (var job = new BenchJob(folder, operator(model), new MeteredExecutorFactory(executors));
                var client = new JobClient(job.config(), job::check)) {
            client.ask(requests(warmups));
            List<PromptRequest> requests = requests(count);
            long computed = MeteredExecutorFactory.computeNanos();
            JobClient.Result answers = client.ask(requests);
            double busy = Timing.seconds(MeteredExecutorFactory.computeNanos() - computed) / answers.seconds();
            require(answers, count, options.outputLen);
            return new Result(answers.seconds(), answers.tokens(), busy);
        }
    }

    /** @throws IllegalStateException if not so many answers are so long each */
    static void require(JobClient.Result answers, int count, int length) {
        if (answers.lengths().size() != count) {
            throw new IllegalStateException("%d answers came, %d were asked for"
                    .formatted(answers.lengths().size(), count));
        }
        answers.lengths().forEach((id, tokens) -> {
            if (tokens != length) {
                throw new IllegalStateException(
                        "the answer to request %s has %d tokens, %d were asked for".formatted(id, tokens, length));
            }
        });
    }

    private List<PromptRequest> requests(int count) throws IOException {
        List<PromptRequest> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            requests.add(PromptRequest.newBuilder()
                    .setRequestId(Integer.toString(asked++))
                    .setPromptTokenIds(
                            Arrays.stream(prompts.next().tokenIds()).boxed().toList())
                    .setSampling(SamplingOptions.newBuilder()
                            .setTemperature(0.0)
                            .setMaxTokens(options.outputLen)
                            .setIgnoreEos(true)
                            .build())
                    .build());
        }
        return requests;
    }

    private OperatorConfig operator(Path model) {
        return new OperatorConfig(
                model.toAbsolutePath().toString(),
                List.of("bench"),
                LimitSettings.of(setup.limits()),
                setup.executor(),
                setup.scheduling(),
                new SamplingDefaults("vllm", Map.of(), 0),
                0,
                MediaSettings.DEFAULT,
                QueueLimits.DEFAULT,
                null,
                true);
    }
}

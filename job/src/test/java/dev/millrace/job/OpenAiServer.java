package dev.millrace.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.gateway.Generations;
import dev.millrace.gateway.http.GatewayConfig;
import dev.millrace.gateway.http.GatewayConfig.Limits;
import dev.millrace.gateway.http.GatewayServer;
import dev.millrace.gateway.http.Listener;
import dev.millrace.gateway.http.RootPath;
import dev.millrace.gateway.openai.AnswerStyle;
import dev.millrace.gateway.topic.TopicGenerations;
import dev.millrace.gateway.topic.TopicsConfig.Instance;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.KafkaControl;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;

/**
 * OpenAI's API in front of topics and a job of its own, with the demonstration model: one gateway as users have it, and a
 * second one with narrow limits.
 */
final class OpenAiServer implements AutoCloseable {

    static final String KEY = "sk-test";
    static final String MODEL = "demo-vl";

    /** Most bytes of a body that the second gateway takes; it takes one request at a time. */
    static final int STRICT_BODY_BYTES = 100_000;

    static final Path SAMPLES = Path.of(System.getProperty("millrace.root"), "models/samples");

    private static final Path FOLDER = Path.of(System.getProperty("millrace.root"), "models", MODEL);
    private static final int MANY = 1000;

    /** Answers at a time of each subtask. */
    private static final int SEQUENCES = 16;

    private final RunningJob job;
    private final Gateway gateway;
    private final Gateway strict;

    OpenAiServer(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics();
        TopicLimits limits = LocalStack.prepare(kafka);
        JobConfig config =
                JobConfig.of(kafka).withParallelism(LocalStack.SLOTS).withCheckpoints(Duration.ofMillis(200), null);
        job = new RunningJob(
                stack,
                config,
                limits,
                DemoModel.operator(null, List.of("127.0.0.1"), SEQUENCES, KafkaControl.factory(kafka, "test")));
        Limits wide = Limits.DEFAULT;
        gateway = new Gateway(kafka, limits, MANY, wide);
        strict = new Gateway(
                kafka,
                limits,
                1,
                new Limits(
                        STRICT_BODY_BYTES,
                        STRICT_BODY_BYTES,
                        wide.maxHeaderBytes(),
                        wide.maxUnreadBytes(),
                        wide.idleTimeout()));
    }

    /** Where the API is. */
    String url() {
        return gateway.url();
    }

    /** What the API has its answers from. */
    Generations generations() {
        return gateway.generations;
    }

    /** Where the second gateway's API is. */
    String strictUrl() {
        return strict.url();
    }

    /** What the model answers to a prompt of {@code models/samples/prompts.jsonl}. */
    static String answer(String id) {
        try {
            JsonNode answers =
                    new ObjectMapper().readTree(SAMPLES.resolve("expected.json").toFile());
            return answers.required(id).asText();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A picture or video of {@code models/samples} as a {@code data:} URL. */
    static String dataUrl(String file) throws IOException {
        String type = Files.probeContentType(Path.of(file));
        byte[] bytes = Files.readAllBytes(SAMPLES.resolve(file));
        return "data:%s;base64,%s".formatted(type, Base64.getEncoder().encodeToString(bytes));
    }

    @Override
    public void close() throws IOException {
        gateway.close();
        strict.close();
        job.close();
    }

    private static final class Gateway implements AutoCloseable {

        private final TopicGenerations generations;
        private final GatewayServer server;

        Gateway(KafkaConfig kafka, TopicLimits topics, int maxPending, Limits limits) throws IOException {
            var model = new ModelDirectory(FOLDER);
            DjlTokenizer tokenizer = model.tokenizer();
            generations = TopicGenerations.open(kafka.gateway(topics, Instance.unique(), maxPending, null));
            var config = new GatewayConfig(
                    Listener.at("127.0.0.1", 0),
                    RootPath.NONE,
                    List.of(MODEL),
                    List.of(KEY),
                    List.of("*"),
                    AnswerStyle.DEFAULT,
                    limits,
                    Duration.ZERO,
                    "test",
                    false);
            server = GatewayServer.start(config, generations, tokenizer, model.chatRenderer(tokenizer));
        }

        String url() {
            return "http://127.0.0.1:%d/v1".formatted(server.port());
        }

        @Override
        public void close() throws IOException {
            server.close();
            generations.close();
        }
    }
}

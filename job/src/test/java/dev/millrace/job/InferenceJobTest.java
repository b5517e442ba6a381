package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gateway.topic.AnswerAssembler;
import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.SchemaRegistry;
import dev.millrace.job.kafka.TestRegistry;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.operators.StandInOperator;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TokenEvent;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@Timeout(600)
@ExtendWith(LocalStack.Shared.class)
class InferenceJobTest {

    private static final Duration OFTEN = Duration.ofMillis(200);

    @Test
    void killedTaskManagersLoseAndRepeatNothing(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics();
        TopicLimits limits = LocalStack.prepare(kafka);
        JobConfig config = JobConfig.of(kafka).withParallelism(2).withCheckpoints(OFTEN, null);
        // After each kill there is more to answer: the job cannot be done before the last one.
        produce(kafka, limits, 0, 20, 60);
        try (RunningJob job = standIn(stack, config, limits, new StandInOperator.Factory(1024, 4, 20));
                CollectedAnswers answers = new CollectedAnswers(kafka)) {
            for (int kill = 1; kill <= 3; kill++) {
                answers.awaitLaterAttempt();
                stack.flink().replaceTaskManager();
                produce(kafka, limits, 20 * kill, 20 * (kill + 1), 60);
            }
            answers.awaitEnds(80);
            answers.drain();
            assertThat(answers.tokens()).isEqualTo(expected(0, 80, 60));
            assertThat(answers.ends().values()).anyMatch(end -> end.getAttempt() >= 3);
            assertThat(job.rest("").path("state").asText()).isEqualTo("RUNNING");
        }
        assertLiveReaderSeesEveryTokenOnce(kafka, expected(0, 80, 60));
    }

    private static void assertLiveReaderSeesEveryTokenOnce(KafkaConfig kafka, Map<String, List<Integer>> expected)
            throws Exception {
        AnswerAssembler assembler = new AnswerAssembler(1000);
        Map<String, List<Integer>> tokens = new HashMap<>();
        int repeated = 0;
        try (TokenReader reader = new TokenReader(kafka, IsolationLevel.READ_UNCOMMITTED, TopicReader.Start.EARLIEST)) {
            while (!tokens.equals(expected)) {
                for (TokenEvent event : reader.poll(Duration.ofSeconds(1))) {
                    var update = assembler.accept(event);
                    assertThat(update.fault()).isNull();
                    repeated += update.newTokens().isEmpty() ? 1 : 0;
                    tokens.computeIfAbsent(event.getRequestId(), id -> new ArrayList<>())
                            .addAll(update.newTokens());
                }
            }
        }
        assertThat(repeated).as("events that restarts repeated").isPositive();
    }

    @Test
    void cancelledJobGoesOnFromItsCheckpointInTheSameProcess(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics();
        TopicLimits limits = LocalStack.prepare(kafka);
        JobConfig config = JobConfig.of(kafka).withCheckpoints(OFTEN, null);
        produce(kafka, limits, 0, 30, 40);
        // 1,200 tokens, 2 a step: the job is cancelled long before its end
        try (CollectedAnswers answers = new CollectedAnswers(kafka)) {
            Path checkpoint;
            try (RunningJob job = standIn(stack, config, limits, new StandInOperator.Factory(1024, 2, 20))) {
                answers.awaitEvents(60);
                job.cancel();
                checkpoint = RetainedCheckpoints.latest(
                                stack.checkpoints().resolve(job.id().toString()))
                        .orElseThrow();
            }
            answers.drain();
            assertThat(answers.ends()).hasSizeLessThan(30);
            JobConfig again = config.withParallelism(2).withRestoreFrom(RetainedCheckpoints.uri(checkpoint));
            try (RunningJob job = standIn(stack, again, limits, new StandInOperator.Factory(1024, 64, 5))) {
                answers.awaitEnds(30);
                answers.drain();
                assertThat(job.rest("").path("state").asText()).isEqualTo("RUNNING");
                answers.await("the end of a checkpoint that later ones replaced", () -> Files.notExists(checkpoint));
            }
            assertThat(answers.tokens()).isEqualTo(expected(0, 30, 40));
        }
    }

    @Test
    void jobWithoutStateStartsAtTheGroupsOffsets(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics().withBounded(true);
        TopicLimits limits = LocalStack.prepare(kafka);
        JobConfig config = JobConfig.of(kafka).withCheckpoints(OFTEN, null);
        produce(kafka, limits, 0, 5, 3);
        try (RunningJob job = standIn(stack, config, limits, new StandInOperator.Factory(10, 10, 1))) {
            job.awaitEnd();
        }
        produce(kafka, limits, 5, 9, 3);
        try (RunningJob job = standIn(stack, config, limits, new StandInOperator.Factory(10, 10, 1));
                CollectedAnswers answers = new CollectedAnswers(kafka)) {
            job.awaitEnd();
            answers.awaitEnds(9);
            answers.drain();
            assertThat(answers.tokens()).isEqualTo(expected(0, 9, 3));
        }
    }

    @Test
    void tenThousandQueuedPromptsNeitherHoldCheckpointsUpNorFillTheOperator(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics().withBounded(true);
        TopicLimits limits = LocalStack.prepare(kafka);
        JobConfig config = JobConfig.of(kafka).withCheckpoints(OFTEN, null);
        produce(kafka, limits, 0, 10_000, 1);
        // The stand-in refuses a checkpoint with more than 50 prompts queued, and begins after 5 of as many.
        var operator = new StandInOperator.Factory(50, 50, 20).waitingForCheckpoints(5);
        try (RunningJob job = standIn(stack, config, limits, operator);
                CollectedAnswers answers = new CollectedAnswers(kafka)) {
            job.awaitEnd();
            answers.awaitEnds(10_000);
            assertThat(answers.tokens()).isEqualTo(expected(0, 10_000, 1));
            assertThat(answers.ends().values()).allMatch(event -> event.getAttempt() == 0);
        }
    }

    @Test
    void malformedRecordsAreAnsweredAndKeptWhileOthersGoOn(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics().withFormat(RecordFormat.JSON).withBounded(true);
        TopicLimits limits = LocalStack.prepare(kafka);
        byte[] broken = "{\"prompt\": ".getBytes(StandardCharsets.UTF_8);
        byte[] noText = {(byte) 0xFF, 0, 1};
        try (PromptProducer producer = new PromptProducer(kafka, limits)) {
            producer.send(bytes("good"), bytes("{\"prompt\": \"a\", \"max_tokens\": 3}"))
                    .get();
            producer.send(bytes("broken"), broken).get();
            producer.send(null, noText).get();
            producer.send(bytes("tombstone"), null).get();
        }
        produce(kafka, limits, 0, 3, 3);
        try (RunningJob job = standIn(stack, JobConfig.of(kafka), limits, new StandInOperator.Factory(10, 10, 1));
                CollectedAnswers answers = new CollectedAnswers(kafka)) {
            job.awaitEnd();
            answers.awaitEnds(7);
            assertThat(answers.tokens().get("good")).hasSize(3);
            List<TokenEvent> errors = answers.ends().values().stream()
                    .filter(event -> event.getFinishReason() == FinishReason.ERROR)
                    .toList();
            assertThat(errors)
                    .extracting(event -> event.getError().getMessage())
                    .anyMatch(message -> message.contains("line 1, column"))
                    .anyMatch(message -> message.contains("no value"))
                    .hasSize(3);
            assertThat(errors).allMatch(event -> event.getRequestId().startsWith(kafka.promptTopic() + "/"));
        }
        List<ConsumerRecord<byte[], byte[]>> dead = readAll(kafka, kafka.deadLetterTopic(), 3);
        assertThat(dead).extracting(ConsumerRecord::value).containsExactlyInAnyOrder(broken, noText, null);
        assertThat(dead).allSatisfy(record -> {
            assertThat(record.headers().lastHeader("reason").value()).isNotEmpty();
            assertThat(new String(record.headers().lastHeader("source").value(), StandardCharsets.UTF_8))
                    .startsWith(kafka.promptTopic() + "/");
        });
    }

    @Test
    void registryKeepsTheSchemasOfBothEndsAndAtLeastOnceNeedsNoCheckpoint(LocalStack stack) throws Exception {
        try (TestRegistry registry = new TestRegistry()) {
            RecordFormat format = new RecordFormat(RecordFormat.Encoding.AVRO, SchemaRegistry.of(registry.url()));
            KafkaConfig usual = stack.freshTopics();
            KafkaConfig kafka = new KafkaConfig(
                    usual.bootstrapServers(),
                    usual.promptTopic(),
                    usual.tokenTopic(),
                    null,
                    usual.groupId(),
                    format,
                    DeliveryGuarantee.AT_LEAST_ONCE,
                    false,
                    Map.of());
            TopicLimits limits = LocalStack.prepare(kafka);
            JobConfig config = JobConfig.of(kafka).withCheckpoints(Duration.ofHours(1), null);
            produce(kafka, limits, 0, 3, 3);
            try (RunningJob job = standIn(stack, config, limits, new StandInOperator.Factory(10, 10, 1));
                    CollectedAnswers answers = new CollectedAnswers(kafka)) {
                answers.awaitEnds(3);
                assertThat(answers.tokens()).isEqualTo(expected(0, 3, 3));
                assertThat(job.rest("").path("state").asText()).isEqualTo("RUNNING");
            }
            assertThat(registry.requests())
                    .contains(
                            "POST /subjects/" + kafka.promptTopic() + "-value/versions",
                            "POST /subjects/" + kafka.tokenTopic() + "-value/versions",
                            "GET /schemas/ids/1");
        }
    }

    @Test
    void jobIsSubmittedOverTheRestInterfaceOfACluster(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics().withBounded(true);
        TopicLimits limits = LocalStack.prepare(kafka);
        produce(kafka, limits, 0, 3, 3);
        URI address = stack.flink().dashboard();
        try (var client = RemoteFlink.connect(address.getHost(), address.getPort());
                CollectedAnswers answers = new CollectedAnswers(kafka)) {
            JobGraph graph = InferenceJob.build(JobConfig.of(kafka), limits, new StandInOperator.Factory(10, 10, 1));
            JobID id = client.submitJob(graph).get();
            assertThat(client.requestJobResult(id).get().isSuccess()).isTrue();
            answers.awaitEnds(3);
            assertThat(answers.tokens()).isEqualTo(expected(0, 3, 3));
        }
    }

    @Test
    void sourceAndOperatorAreOneTaskAndTheSinkAnother() {
        KafkaConfig kafka = KafkaConfig.of("127.0.0.1:1");
        TopicLimits limits = new TopicLimits(1 << 20, 1 << 20, 0, "delete", 900_000);
        JobGraph graph = InferenceJob.build(JobConfig.of(kafka), limits, new StandInOperator.Factory(1, 1, 1));
        assertThat(graph.getVerticesSortedTopologicallyFromSources())
                .extracting(JobVertex::getName)
                .containsExactly("Source: prompts -> inference", "tokens: Writer", "tokens: Committer");
    }

    private static RunningJob standIn(
            LocalStack stack, JobConfig config, TopicLimits limits, StandInOperator.Factory operator) throws Exception {
        return new RunningJob(stack, config, limits, operator);
    }

    private static void produce(KafkaConfig kafka, TopicLimits limits, int from, int to, int maxTokens)
            throws Exception {
        try (PromptProducer producer = new PromptProducer(kafka, limits)) {
            for (int i = from; i < to; i++) {
                SamplingOptions sampling =
                        SamplingOptions.newBuilder().setMaxTokens(maxTokens).build();
                producer.send(PromptRequest.newBuilder()
                        .setRequestId("request-" + i)
                        .setPrompt("prompt " + i)
                        .setSampling(sampling)
                        .build());
            }
        }
    }

    private static Map<String, List<Integer>> expected(int from, int to, int maxTokens) {
        Map<String, List<Integer>> expected = new HashMap<>();
        for (int i = from; i < to; i++) {
            String id = "request-" + i;
            expected.put(
                    id,
                    IntStream.range(0, maxTokens)
                            .mapToObj(position -> StandInOperator.token(id, position))
                            .toList());
        }
        return expected;
    }

    private static List<ConsumerRecord<byte[], byte[]>> readAll(KafkaConfig kafka, String topic, int count) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", kafka.bootstrapServers());
        properties.put("isolation.level", "read_committed");
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(info -> new TopicPartition(topic, info.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (records.size() < count) {
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            }
        }
        return records;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

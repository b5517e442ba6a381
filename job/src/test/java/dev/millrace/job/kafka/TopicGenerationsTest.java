package dev.millrace.job.kafka;

import static dev.millrace.job.kafka.HandWrittenAnswers.event;
import static dev.millrace.job.kafka.HandWrittenAnswers.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gateway.Generation;
import dev.millrace.gateway.TooManyRequestsException;
import dev.millrace.gateway.UnavailableException;
import dev.millrace.gateway.topic.Headers;
import dev.millrace.gateway.topic.TopicGenerations;
import dev.millrace.gateway.topic.TopicsConfig;
import dev.millrace.gateway.topic.TopicsConfig.Instance;
import dev.millrace.job.LocalStack;
import dev.millrace.job.embedded.EmbeddedKafka;
import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A gateway's transport against a broker, with the test in the place of the job. */
@Timeout(600)
@ExtendWith(LocalStack.Shared.class)
class TopicGenerationsTest {

    private static final Usage USAGE = new Usage(3, 2, 0);

    @Test
    void promptNamesItsReaderAndItsEventsAreHeardToTheEnd(LocalStack stack) throws Exception {
        assertAnswered(prepared(stack));
    }

    @Test
    void promptsAndEventsMayBeJson(LocalStack stack) throws Exception {
        assertAnswered(prepared(stack.freshTopics().withFormat(RecordFormat.JSON)));
    }

    private static void assertAnswered(KafkaConfig config) throws Exception {
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4)) {
            Heard heard = new Heard();
            Generation generation = gateway.submit(prompt("r"), heard);
            ConsumerRecord<byte[], byte[]> record = answers.prompt();
            PromptRequest sent = config.format().prompts("").decode(record.value());
            assertThat(generation.requestId()).isEqualTo("r");
            assertThat(text(record.key())).isEqualTo("r");
            assertThat(Headers.text(record.headers(), Headers.REPLY_TO)).contains("one");
            assertThat(sent.getReplyTo()).isEqualTo("one");
            assertThat(sent.getCreatedAt()).isNotNull();
            answers.write(event("r", "one", 0, 0, 7), last("r", "one", 0, 1, 8));
            assertThat(heard.next(TokenEvent.class).getTokenIds()).containsExactly(7);
            assertThat(heard.next(TokenEvent.class).getFinishReason()).isEqualTo(FinishReason.STOP);
            assertThat(heard.next(Heard.End.class).usage()).isEqualTo(USAGE);
            assertThat(gateway.pending()).isZero();
        }
    }

    @Test
    void whatARestartRepeatsIsTrimmedAndTheEndIsHeardOnce(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4)) {
            Heard heard = submitted(gateway, answers, "r");
            answers.write(
                    event("r", "one", 0, 0, 5, 6),
                    event("r", "one", 1, 0, 5),
                    event("r", "one", 1, 1, 6, 7),
                    event("r", "one", 1, 3).setFinishReason(FinishReason.STOP).setChoice(0),
                    last("r", "one", 2, 2, 7));
            assertThat(heard.next(TokenEvent.class).getTokenIds()).containsExactly(5, 6);
            TokenEvent trimmed = heard.next(TokenEvent.class);
            assertThat(trimmed.getTokenIds()).containsExactly(7);
            assertThat(trimmed.getFirstPosition()).isEqualTo(2);
            assertThat(heard.next(TokenEvent.class).getFinishReason()).isEqualTo(FinishReason.STOP);
            assertThat(heard.next(Heard.End.class).usage()).isEqualTo(USAGE);
            heard.assertNothingMore();
        }
    }

    @Test
    void replayThatDivergesIsReportedOnceAnAttemptAndTheAnswerGoesOn(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4)) {
            Heard heard = submitted(gateway, answers, "r");
            answers.write(
                    event("r", "one", 0, 0, 5, 6, 7),
                    event("r", "one", 1, 1, 8),
                    event("r", "one", 1, 2, 9, 4),
                    last("r", "one", 1, 4, 3));
            assertThat(heard.next(TokenEvent.class).getTokenIds()).containsExactly(5, 6, 7);
            Heard.Diverged diverged = heard.next(Heard.Diverged.class);
            assertThat(diverged.error().getCode()).isEqualTo("replay_diverged");
            assertThat(heard.tokensToTheEnd()).containsExactly(4, 3);
        }
    }

    @Test
    void gapInTheEventsFailsTheRequestAndCancelsIt(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4)) {
            Heard heard = submitted(gateway, answers, "r");
            answers.write(event("r", "one", 0, 1, 5));
            assertThat(heard.next(UnavailableException.class)).hasMessageContaining("starts at token 1");
            assertThat(text(answers.cancel().key())).isEqualTo("r");
        }
    }

    @Test
    void errorEndsTheRequestAlsoUnderItsRecordsPlace(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4)) {
            Heard heard = submitted(gateway, answers, "r");
            answers.write(event(config.promptTopic() + "/0/0", "one", 0, 0)
                    .setFinishReason(FinishReason.ERROR)
                    .setError(new EventError("invalid_request_error", "no", "request_id"))
                    .setHeaders(Map.of(Headers.REQUEST_ID, "r")));
            assertThat(heard.next(TokenEvent.class).getError().getMessage()).isEqualTo("no");
            assertThat(heard.next(Heard.End.class).usage()).isNull();
        }
    }

    @Test
    void eventsForOtherReadersAreNotEvenDecoded(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        AtomicInteger decoded = new AtomicInteger();
        TopicsConfig counting = watched(config(config, Instance.stable("one"), 4, null), decoded::incrementAndGet);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = TopicGenerations.open(counting)) {
            Heard heard = submitted(gateway, answers, "r");
            byte[] garbage = {1, 2, 3};
            answers.write(new ProducerRecord<>(config.tokenTopic(), Headers.bytes("r"), garbage));
            answers.write(event("r", "two", 0, 0, 1), event("r", null, 0, 0, 2), last("r", "one", 0, 0, 9));
            assertThat(heard.tokensToTheEnd()).containsExactly(9);
            assertThat(decoded).hasValue(1);
        }
    }

    @Test
    void instancesDoNotHearEachOthersEvents(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var one = gateway(config, "one", 4);
                var two = gateway(config, "two", 4)) {
            Heard first = submitted(one, answers, "r");
            Heard second = submitted(two, answers, "r");
            answers.write(last("r", "two", 0, 0, 2), last("r", "one", 0, 0, 1));
            assertThat(first.tokensToTheEnd()).containsExactly(1);
            assertThat(second.tokensToTheEnd()).containsExactly(2);
        }
    }

    @Test
    void partitionsThatAreAddedAreReadFromTheirBeginning(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4);
                Admin admin = Admin.create(config.properties())) {
            Heard heard = submitted(gateway, answers, "r");
            admin.createPartitions(Map.of(config.tokenTopic(), NewPartitions.increaseTo(17)))
                    .all()
                    .get();
            try (var informed = new HandWrittenAnswers(config)) {
                informed.write(16, last("r", "one", 0, 0, 4).build());
            }
            assertThat(heard.tokensToTheEnd()).containsExactly(4);
        }
    }

    @Test
    void oneMoreThanMayBePendingIsRefusedUntilAnotherEnds(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 2)) {
            Heard first = submitted(gateway, answers, "a");
            Generation second = gateway.submit(prompt("b"), new Heard());
            answers.prompt();
            assertThatThrownBy(() -> gateway.submit(prompt("c"), new Heard()))
                    .isInstanceOf(TooManyRequestsException.class)
                    .hasMessageContaining("2 requests outstanding");
            second.cancel();
            assertThatThrownBy(() -> gateway.submit(prompt("a"), new Heard()))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("is being answered");
            Heard third = submitted(gateway, answers, "c");
            answers.write(last("a", "one", 0, 0, 1), last("c", "one", 0, 0, 3));
            assertThat(first.tokensToTheEnd()).containsExactly(1);
            assertThat(third.tokensToTheEnd()).containsExactly(3);
        }
    }

    @Test
    void cancelledRequestIsNamedInTheControlTopicAndHeardOfNoMore(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4)) {
            Instant deadline = Instant.now().plusSeconds(500);
            Heard heard = new Heard();
            PromptRequest request = prompt("r");
            request.setDeadline(deadline);
            Generation generation = gateway.submit(request, heard);
            answers.prompt();
            generation.cancel();
            generation.cancel();
            ConsumerRecord<byte[], byte[]> cancel = answers.cancel();
            assertThat(text(cancel.key())).isEqualTo("r");
            assertThat(text(cancel.value())).isEqualTo("cancel");
            assertThat(cancel.timestamp())
                    .isGreaterThanOrEqualTo(request.getCreatedAt().toEpochMilli());
            assertThat(Headers.text(cancel.headers(), "deadline")).contains("" + deadline.toEpochMilli());
            answers.write(last("r", "one", 0, 0, 1));
            Heard other = submitted(gateway, answers, "other");
            answers.write(last("other", "one", 0, 0, 1));
            other.tokensToTheEnd();
            heard.assertNothingMore();
        }
    }

    @Test
    void requestWithoutAnEndInTimeFailsAndIsCancelled(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        var reading = new CountDownLatch(1);
        var sent = new CountDownLatch(1);
        TopicsConfig hasty = watched(config(config, new Instance("one", false), 4, Duration.ofMillis(1)), () -> {
            reading.countDown();
            await(sent);
        });
        try (var answers = new HandWrittenAnswers(config);
                var gateway = TopicGenerations.open(hasty)) {
            PromptRequest patient = prompt("patient");
            patient.setDeadline(Instant.now().plusSeconds(500));
            gateway.submit(patient, new Heard());
            assertThat(text(answers.prompt().key())).isEqualTo("patient");
            answers.write(event("patient", "one", 0, 0, 5));
            reading.await(); // and while the gateway does, no time is over
            Heard heard;
            try {
                heard = submitted(gateway, answers, "r");
            } finally {
                sent.countDown();
            }
            assertThat(heard.next(TimeoutException.class)).hasMessageContaining("by the deadline");
            assertThat(text(answers.cancel().key())).isEqualTo("r");
            assertThat(gateway.pending()).isEqualTo(1);
        }
    }

    @Test
    void instanceThatStopsCancelsWhatIsOutstandingAndTheNextOneWhatWasLeft(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config)) {
            Heard heard;
            long before = System.currentTimeMillis();
            try (var gateway = gateway(config, "one", 4)) {
                heard = submitted(gateway, answers, "r");
                assertThat(gateway.drain(Duration.ofMillis(1))).isFalse();
                assertThatThrownBy(() -> gateway.submit(prompt("late"), new Heard()))
                        .isInstanceOf(IllegalStateException.class);
            }
            assertThat(heard.next(UnavailableException.class)).hasMessageContaining("stops");
            assertThat(text(answers.cancel().key())).isEqualTo("r");
            try (var again = TopicGenerations.open(config(config, Instance.stable("one"), 4, null))) {
                ConsumerRecord<byte[], byte[]> cancel = answers.cancel();
                assertThat(Headers.text(cancel.headers(), Headers.REPLY_TO)).contains("one");
                assertThat(cancel.timestamp()).isGreaterThanOrEqualTo(before);
                PromptRequest next = prompt("next");
                again.submit(next, new Heard());
                assertThat(next.getCreatedAt().toEpochMilli()).isGreaterThan(cancel.timestamp());
            }
        }
    }

    @Test
    void drainingWaitsForTheLastEnd(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4)) {
            Heard heard = submitted(gateway, answers, "r");
            answers.write(last("r", "one", 0, 0, 1));
            assertThat(gateway.drain(Duration.ofMinutes(1))).isTrue();
            assertThat(heard.tokensToTheEnd()).containsExactly(1);
        }
    }

    @Test
    void latestWordOfEachSubtaskIsKept(LocalStack stack) throws Exception {
        KafkaConfig config = prepared(stack);
        try (var answers = new HandWrittenAnswers(config);
                var gateway = gateway(config, "one", 4)) {
            Heard heard = submitted(gateway, answers, "r");
            assertThat(gateway.status().isAlive()).isFalse();
            sayUntil(answers, () -> gateway.status().running() == 8, status(0, 2, 1), status(1, 2, 5), status(0, 2, 3));
            assertThat(gateway.status().modelNames()).containsExactly("demo-vl");
            sayUntil(answers, () -> gateway.status().running() == 4, status(0, 1, 4));
            heard.assertNothingMore();
        }
    }

    /** A word holds for some seconds, so it is said again and again, as subtasks do. */
    private static void sayUntil(HandWrittenAnswers answers, BooleanSupplier isHeard, EngineStatus... words)
            throws IOException {
        do {
            for (EngineStatus word : words) {
                answers.write(word);
            }
        } while (!isHeard.getAsBoolean());
    }

    @Test
    void gatewayThatIsThereBeforeItsTopicsWaitsForThem(LocalStack stack) throws Exception {
        KafkaConfig config = stack.freshTopics();
        TopicLimits limits = new TopicLimits(1 << 20, 1 << 20, 0, "delete", 900_000);
        TopicsConfig early = config.gateway(limits, new Instance("one", false), 4, null);
        try (var gateway = TopicGenerations.open(early)) {
            Heard heard = new Heard();
            gateway.submit(prompt("early"), heard);
            assertThat(heard.next(UnavailableException.class)).hasMessageContaining("does not exist");
            LocalStack.prepare(config);
            try (var answers = new HandWrittenAnswers(config)) {
                Heard next = submitted(gateway, answers, "next");
                answers.write(last("next", "one", 0, 0, 1));
                assertThat(next.tokensToTheEnd()).containsExactly(1);
            }
        }
    }

    @Test
    void requestsFailWhileTheBrokerIsAwayAndSucceedAgain(@TempDir Path dir) throws Exception {
        KafkaConfig config;
        int port;
        TopicGenerations gateway;
        Heard lost;
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir, 0)) {
            config = KafkaConfig.of(kafka.bootstrapServers());
            port = URI.create("kafka://" + kafka.bootstrapServers()).getPort();
            gateway = gateway(prepared(config), "one", 4);
            try (var answers = new HandWrittenAnswers(config)) {
                Heard heard = submitted(gateway, answers, "before");
                answers.write(last("before", "one", 0, 0, 1));
                assertThat(heard.tokensToTheEnd()).containsExactly(1);
                lost = submitted(gateway, answers, "interrupted");
            }
        }
        try (gateway) {
            Heard heard = new Heard();
            gateway.submit(prompt("during"), heard);
            assertThat(heard.next(UnavailableException.class)).hasMessageContaining("could not be handed on");
            try (EmbeddedKafka again = EmbeddedKafka.start(dir, port);
                    var answers = new HandWrittenAnswers(config)) {
                assertThat(again.bootstrapServers()).isEqualTo(config.bootstrapServers());
                answers.prompt();
                answers.prompt();
                Heard after = submitted(gateway, answers, "after");
                answers.write(last("interrupted", "one", 0, 0, 5), last("after", "one", 0, 0, 2));
                assertThat(lost.tokensToTheEnd()).containsExactly(5);
                assertThat(after.tokensToTheEnd()).containsExactly(2);
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The same with something that is done before each event that is decoded. */
    private static TopicsConfig watched(TopicsConfig usual, Runnable before) {
        return new TopicsConfig(
                usual.clients(),
                usual.promptTopic(),
                usual.tokenTopic(),
                usual.prompts(),
                () -> new WatchedCodec(usual.tokens().get(), before),
                usual.maxPromptBytes(),
                usual.instance(),
                usual.maxPending(),
                usual.timeout());
    }

    private record WatchedCodec(RecordCodec<TokenEvent> codec, Runnable before) implements RecordCodec<TokenEvent> {
        @Override
        public byte[] encode(TokenEvent event) throws IOException {
            return codec.encode(event);
        }

        @Override
        public TokenEvent decode(byte[] value) throws IOException {
            before.run();
            return codec.decode(value);
        }
    }

    private static KafkaConfig prepared(LocalStack stack) {
        return prepared(stack.freshTopics());
    }

    private static KafkaConfig prepared(KafkaConfig config) {
        LocalStack.prepare(config);
        return config;
    }

    private static TopicGenerations gateway(KafkaConfig config, String id, int maxPending) {
        return TopicGenerations.open(config(config, new Instance(id, false), maxPending, null));
    }

    private static TopicsConfig config(KafkaConfig config, Instance instance, int maxPending, Duration timeout) {
        return config.gateway(LocalStack.prepare(config), instance, maxPending, timeout);
    }

    /** Submits a prompt and waits until it is in its topic. */
    private static Heard submitted(TopicGenerations gateway, HandWrittenAnswers answers, String id) throws Exception {
        Heard heard = new Heard();
        gateway.submit(prompt(id), heard);
        assertThat(text(answers.prompt().key())).isEqualTo(id);
        return heard;
    }

    private static PromptRequest prompt(String id) {
        return PromptRequest.newBuilder()
                .setRequestId(id)
                .setPrompt("a")
                .setSampling(SamplingOptions.newBuilder().build())
                .build();
    }

    private static TokenEvent.Builder last(String id, String replyTo, int attempt, int first, Integer... tokens) {
        return event(id, replyTo, attempt, first, tokens)
                .setFinishReason(FinishReason.STOP)
                .setUsage(USAGE);
    }

    private static EngineStatus status(int subtask, int parallelism, int running) {
        return EngineStatus.newBuilder()
                .setSubtask(subtask)
                .setParallelism(parallelism)
                .setVersion("1")
                .setModelNames(List.of("demo-vl"))
                .setModelPath("/demo-vl")
                .setMaxModelLen(512)
                .setMaxLogprobs(20)
                .setUnfinished(0)
                .setRunning(running)
                .setWaiting(0)
                .setKvCacheUsage(0)
                .setAt(Instant.EPOCH)
                .build();
    }
}

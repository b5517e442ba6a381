package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gateway.Generation;
import dev.millrace.gateway.topic.ControlTopic;
import dev.millrace.gateway.topic.Headers;
import dev.millrace.gateway.topic.RecordProducer;
import dev.millrace.gateway.topic.TopicGenerations;
import dev.millrace.gateway.topic.TopicReader;
import dev.millrace.gateway.topic.TopicsConfig.Instance;
import dev.millrace.job.kafka.Heard;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.KafkaControl;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TokenEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** A gateway's transport and the whole job with the demonstration model. */
@Timeout(600)
@ExtendWith(LocalStack.Shared.class)
class GatewayJobTest {

    private static final int STREAMS = 6;
    private static final int TOKENS = 250;

    @Test
    void streamsSurviveARestartOfTheJobWithEveryTokenOnce(LocalStack stack) throws Exception {
        KafkaConfig kafka = prepared(stack);
        try (RunningJob job = submit(stack, kafka);
                TopicGenerations gateway = gateway(kafka, Instance.unique())) {
            List<List<Integer>> undisturbed = new ArrayList<>();
            for (Heard heard : ask(gateway, "calm")) {
                undisturbed.add(heard.tokensToTheEnd());
            }
            job.await("/checkpoints", "/counts/completed");
            List<List<Integer>> disturbed = new ArrayList<>();
            try (Brake brake = Brake.hold(0)) {
                List<Heard> stormy = ask(gateway, "stormy");
                brake.allow(gateway, STREAMS, TOKENS / 2);
                for (Heard heard : stormy) {
                    disturbed.add(new ArrayList<>(heard.next(TokenEvent.class).getTokenIds()));
                }
                stack.flink().replaceTaskManager();
                brake.release();
                for (int i = 0; i < STREAMS; i++) {
                    disturbed.get(i).addAll(stormy.get(i).tokensToTheEnd());
                }
            }
            assertThat(disturbed).isEqualTo(undisturbed).allMatch(tokens -> tokens.size() == TOKENS);
            job.await("/checkpoints", "/counts/restored");
            assertThat(job.rest("").path("state").asText()).isEqualTo("RUNNING");
        }
    }

    @Test
    void givenUpRequestsEndInTheJobWheneverTheyAreGivenUp(LocalStack stack) throws Exception {
        KafkaConfig kafka = prepared(stack);
        Instant made = Instant.now().minusSeconds(1);
        try (TokenReader committed = new TokenReader(kafka, IsolationLevel.READ_COMMITTED, TopicReader.Start.EARLIEST);
                RecordProducer control = new RecordProducer(kafka.properties(), Map.of(), 1 << 20);
                PromptProducer prompts = new PromptProducer(kafka, LocalStack.prepare(kafka))) {
            control.send(cancel(kafka, "before")).join();
            prompts.send(prompt("before", made, 900)).join();
            try (Brake brake = Brake.hold(0);
                    RunningJob job = submit(stack, kafka);
                    TopicGenerations gateway = gateway(kafka, Instance.unique())) {
                assertThat(endOf(committed, "before").getFinishReason()).isEqualTo(FinishReason.ABORT);

                brake.allow(50);
                Heard heard = new Heard();
                Generation during = gateway.submit(prompt("during", null, 900), heard);
                assertThat(heard.next(TokenEvent.class).getTokenIds()).isNotEmpty();
                during.cancel();
                TokenEvent end = endOf(committed, "during");
                assertThat(end.getFinishReason()).isEqualTo(FinishReason.ABORT);
                assertThat(end.getUsage().getCompletionTokens()).isBetween(1, 50);
                brake.release();
                assertThat(gateway.pending()).isZero();
                control.send(cancel(kafka, "during")).join(); // after its end

                Heard next = new Heard();
                gateway.submit(prompt("next", null, 3), next);
                assertThat(next.tokensToTheEnd()).hasSize(3);
                awaitStatus(gateway, status -> status.getUnfinished() == 0 && status.getKvCacheUsage() == 0);
                assertThat(gateway.status().latest().getVersion()).isEqualTo("test");
                assertThat(job.rest("").path("state").asText()).isEqualTo("RUNNING");
            }
        }
    }

    @Test
    void instanceThatComesBackGivesUpWhatItsForerunnerAskedFor(LocalStack stack) throws Exception {
        KafkaConfig kafka = prepared(stack);
        try (TokenReader committed =
                new TokenReader(kafka, IsolationLevel.READ_COMMITTED, TopicReader.Start.EARLIEST)) {
            PromptRequest left = prompt("left", null, 900);
            left.setReplyTo("the-gateway");
            try (PromptProducer killed = new PromptProducer(kafka, LocalStack.prepare(kafka))) {
                killed.send(left).join();
            }
            try (TopicGenerations gateway = gateway(kafka, Instance.stable("the-gateway"))) {
                Heard heard = new Heard();
                gateway.submit(prompt("own", null, 3), heard);
                try (Brake brake = Brake.hold(0);
                        RunningJob job = submit(stack, kafka)) {
                    assertThat(endOf(committed, "left").getFinishReason()).isEqualTo(FinishReason.ABORT);
                    brake.release();
                    assertThat(heard.tokensToTheEnd()).hasSize(3);
                    assertThat(job.rest("").path("state").asText()).isEqualTo("RUNNING");
                }
            }
        }
    }

    private static List<Heard> ask(TopicGenerations gateway, String name) throws Exception {
        List<Heard> answers = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            PromptRequest request = prompt(name + "-" + i, null, TOKENS);
            request.getSampling().setTemperature((double) (i % 2));
            request.getSampling().setSeed((long) i);
            Heard heard = new Heard();
            gateway.submit(request, heard);
            answers.add(heard);
        }
        return answers;
    }

    private static TokenEvent endOf(TokenReader reader, String id) throws Exception {
        while (true) {
            for (TokenEvent event : reader.poll(Duration.ofMillis(100))) {
                if (event.getRequestId().equals(id) && event.getUsage() != null) {
                    return event;
                }
            }
        }
    }

    private static void awaitStatus(TopicGenerations gateway, Predicate<EngineStatus> all) {
        while (gateway.status().subtasks().isEmpty()
                || !gateway.status().subtasks().stream().allMatch(all)) {
            LockSupport.parkNanos(10_000_000);
        }
    }

    private static ProducerRecord<byte[], byte[]> cancel(KafkaConfig kafka, String id) {
        return new ProducerRecord<>(kafka.controlTopic(), Headers.bytes(id), Headers.bytes(ControlTopic.CANCEL));
    }

    private static PromptRequest prompt(String id, Instant made, int maxTokens) {
        return PromptRequest.newBuilder()
                .setRequestId(id)
                .setCreatedAt(made)
                .setPrompt("Describe the picture")
                .setSampling(SamplingOptions.newBuilder()
                        .setMaxTokens(maxTokens)
                        .setIgnoreEos(true)
                        .build())
                .build();
    }

    private static KafkaConfig prepared(LocalStack stack) {
        KafkaConfig kafka = stack.freshTopics();
        LocalStack.prepare(kafka);
        return kafka;
    }

    private static TopicGenerations gateway(KafkaConfig kafka, Instance instance) {
        return TopicGenerations.open(kafka.gateway(LocalStack.prepare(kafka), instance, 100, null));
    }

    private static RunningJob submit(LocalStack stack, KafkaConfig kafka) throws Exception {
        JobConfig config = JobConfig.of(kafka).withParallelism(2).withCheckpoints(Duration.ofMillis(100), null);
        var operator = DemoModel.operator(null, KafkaControl.factory(kafka, "test"));
        return new RunningJob(stack, config, LocalStack.prepare(kafka), operator);
    }
}

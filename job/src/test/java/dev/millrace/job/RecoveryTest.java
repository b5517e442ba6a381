package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.schemas.FinishReason;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The whole job with the demonstration model. */
@ExtendWith(LocalStack.Shared.class)
class RecoveryTest {

    private static final int KILLS = 3;
    private static final int BATCH = 8;
    private static final int PROMPTS = BATCH * (KILLS + 1);
    private static final int TOKENS = 250;

    /** Of each attempt, so that no answer is at its end before the last kill. */
    private static final int STEPS = TOKENS / (KILLS + 2);

    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    private static final List<String> PICTURES = List.of("two-shapes.png", "three-shapes.jpg", "sign.png", "left.png");

    @Test
    void killedTaskManagersChangeNoTokenOfGreedyAndSeededAnswers(LocalStack stack) throws Exception {
        KafkaConfig calm = stack.freshTopics().withFormat(RecordFormat.JSON);
        KafkaConfig stormy = stack.freshTopics().withFormat(RecordFormat.JSON);
        try (CollectedAnswers undisturbed = new CollectedAnswers(prepared(calm));
                CollectedAnswers disturbed = new CollectedAnswers(prepared(stormy))) {
            try (RunningJob job = submit(stack, calm)) {
                produce(calm, 0, PROMPTS);
                undisturbed.awaitEnds(PROMPTS);
                assertThat(job.id()).isNotNull();
            }
            try (Brake brake = Brake.hold(STEPS);
                    RunningJob job = submit(stack, stormy)) {
                produce(stormy, 0, BATCH);
                for (int kill = 1; kill <= KILLS; kill++) {
                    disturbed.awaitLaterAttempt();
                    stack.flink().replaceTaskManager();
                    produce(stormy, kill * BATCH, (kill + 1) * BATCH);
                }
                brake.release();
                disturbed.awaitEnds(PROMPTS);
                disturbed.drain();
                assertThat(job.id()).isNotNull();
            }
            assertThat(disturbed.interrupted())
                    .as("answers that were cut in two")
                    .isNotEmpty();
            assertThat(undisturbed.ends().values())
                    .allMatch(end -> end.getFinishReason() == FinishReason.LENGTH)
                    .allMatch(end -> end.getAttempt() == 0);
            assertThat(disturbed.ends().values()).anyMatch(end -> end.getAttempt() >= KILLS);
            assertThat(disturbed.tokens()).isEqualTo(undisturbed.tokens());
            assertThat(disturbed.texts()).isEqualTo(undisturbed.texts());
        }
    }

    private static KafkaConfig prepared(KafkaConfig kafka) {
        LocalStack.prepare(kafka);
        return kafka;
    }

    private static void produce(KafkaConfig kafka, int from, int to) throws Exception {
        try (PromptProducer producer = new PromptProducer(kafka, LocalStack.prepare(kafka))) {
            for (int i = from; i < to; i++) {
                producer.send(bytes("request-" + i), bytes(body(i)));
            }
        }
    }

    private static RunningJob submit(LocalStack stack, KafkaConfig kafka) throws Exception {
        TopicLimits limits = LocalStack.prepare(kafka);
        JobConfig config = JobConfig.of(kafka).withParallelism(2).withCheckpoints(Duration.ofMillis(100), null);
        return new RunningJob(stack, config, limits, DemoModel.operator(ROOT.resolve("models/samples")));
    }

    /** Every second answer is drawn with a seed, the others are greedy. */
    private static String body(int i) {
        String url = ROOT.resolve("models/samples/" + PICTURES.get(i % PICTURES.size()))
                .toUri()
                .toString();
        return """
                {"messages": [{"role": "user", "content": [
                   {"type": "image_url", "image_url": {"url": "%s"}},
                   {"type": "text", "text": "Describe this image, please: %d."}]}],
                 "max_tokens": %d, "ignore_eos": true, "temperature": %d, "seed": %d}
                """
                .formatted(url, i, TOKENS, i % 2, i);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

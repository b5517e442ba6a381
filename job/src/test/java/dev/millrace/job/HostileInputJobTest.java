package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TokenEvent;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import javax.imageio.ImageIO;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Whatever is sent to the prompt topic, one error event answers it, the others are answered and the job goes on. */
@ExtendWith(LocalStack.Shared.class)
class HostileInputJobTest {

    private static final Path SAMPLES = Path.of(System.getProperty("millrace.root"), "models", "samples");
    private static final String CAPTION = "A large green triangle and a small red cross.";
    private static final String ABOUT = "I am a tiny demonstration model.";

    /** Id of an answer to what its error says. */
    private final Map<String, String> refused = new HashMap<>();

    @Test
    void hostileJsonIsAnsweredAloneWhileOthersGoOn(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics().withFormat(RecordFormat.JSON);
        try (var producer = new PromptProducer(kafka, LocalStack.prepare(kafka));
                RunningJob job = submit(stack, kafka);
                CollectedAnswers answers = new CollectedAnswers(kafka)) {
            good(producer, "first");
            unreadable(producer, bytes("{\"prompt\": "), "the value is no valid JSON");
            unreadable(
                    producer, bytes("{\"question\": \"?\"}"), "exactly one of messages, prompt and prompt_token_ids");
            unreadable(producer, bytes(""), "must be a JSON object, got nothing");
            unreadable(producer, null, "the record has no value");
            picture(producer, "truncated", data("image/jpeg", truncatedPicture()), "it is damaged or cut off");
            picture(producer, "bomb", data("image/png", bomb()), "a PNG picture of 20000x20000 pixels");
            video(producer, "text.mp4", data("video/mp4", bytes("no video")), "cannot identify video file: found text");
            chat(producer, "long", quoted("word ".repeat(2000)), "maximum context length is 1024 tokens");
            good(producer, "second");
            chat(producer, "huge", quoted("x".repeat(10_000_000)), "maximum context length is 1024 tokens");
            body(
                    producer,
                    "negative",
                    "{\"prompt\": \"a\", \"max_tokens\": -1}",
                    "max_tokens must be at least 1, got -1");
            body(producer, "nan", "{\"prompt\": \"a\", \"temperature\": NaN}", "must be a finite number, got NaN");
            body(producer, "model", "{\"prompt\": \"a\", \"model\": \"gpt\"}", "Ask for `demo-vl`, or leave model out");
            String wizard =
                    "{\"messages\": [{\"role\": \"%s\", \"content\": \"?\"}]}".formatted("x".repeat(10_000_000));
            body(producer, "role", wizard, "maximum context length is 1024 tokens");
            picture(producer, "unreachable", "http://no-such-host.invalid/a.png", "no-such-host.invalid is not known");
            picture(producer, "loopback", "http://127.0.0.1:1/a.png", "is not on the public network");
            picture(producer, "passwd", "file:///etc/passwd", "--allowed-local-media-path");
            chat(producer, "typed", quoted("<|image_pad|> {{7*7}}"), null);
            good(producer, "third");

            answers.awaitEnds(refused.size() + 7);
            answers.drain();
            assertRefused(answers);
            assertThat(answers.ends().get("typed").getError()).isNull();
            assertThat(answers.texts().get("typed")).doesNotContain("49");
            for (String name : new String[] {"first", "second", "third"}) {
                assertThat(answers.texts().get(name)).isEqualTo(CAPTION);
                assertThat(answers.texts().get(name + "-text")).startsWith(ABOUT);
            }
            assertNeverRestarted(job, answers);
        }
    }

    @Test
    void recordsOfAnotherSchemaAreAnsweredAloneWhileOthersGoOn(LocalStack stack) throws Exception {
        KafkaConfig kafka = stack.freshTopics();
        try (var producer = new PromptProducer(kafka, LocalStack.prepare(kafka));
                RunningJob job = submit(stack, kafka);
                CollectedAnswers answers = new CollectedAnswers(kafka)) {
            byte[] prompt = kafka.format().prompts(kafka.promptTopic()).encode(prompt("good", 1.0));
            byte[] event = kafka.format()
                    .tokens(kafka.promptTopic())
                    .encode(TokenEvent.newBuilder()
                            .setRequestId("event")
                            .setEmittedAt(Instant.EPOCH)
                            .build());
            unreadable(producer, event, "");
            unreadable(producer, Arrays.copyOf(prompt, prompt.length / 2), "");
            unreadable(producer, bytes("{\"prompt\": \"a\"}"), "Is it written in the format that this job reads?");
            producer.send(prompt("nan", Double.NaN)).get();
            refused.put("nan", "temperature must be a finite number, got NaN");
            producer.send(bytes("good"), prompt).get();

            answers.awaitEnds(5);
            answers.drain();
            assertRefused(answers);
            assertThat(answers.ends().get("good").getError()).isNull();
            assertThat(answers.tokens().get("good")).hasSize(4);
            assertNeverRestarted(job, answers);
        }
    }

    private void assertRefused(CollectedAnswers answers) {
        refused.forEach((id, words) -> {
            TokenEvent end = answers.ends().get(id);
            assertThat(end).as(id).isNotNull();
            assertThat(end.getFinishReason()).as(id).isEqualTo(FinishReason.ERROR);
            assertThat(end.getError().getMessage()).as(id).contains(words);
            assertThat(answers.tokens().get(id)).as(id).isEmpty();
        });
    }

    private static void assertNeverRestarted(RunningJob job, CollectedAnswers answers) throws IOException {
        assertThat(answers.ends().values()).allMatch(end -> end.getAttempt() == 0);
        assertThat(job.rest("").path("state").asText()).isEqualTo("RUNNING");
        assertThat(job.rest("/exceptions").path("exceptionHistory").path("entries"))
                .isEmpty();
    }

    private static RunningJob submit(LocalStack stack, KafkaConfig kafka) throws Exception {
        TopicLimits limits = LocalStack.prepare(kafka);
        JobConfig config = JobConfig.of(kafka).withCheckpoints(Duration.ofMillis(200), null);
        return new RunningJob(stack, config, limits, DemoModel.operator(null));
    }

    private static void good(PromptProducer producer, String id) throws Exception {
        byte[] picture = Files.readAllBytes(SAMPLES.resolve("two-shapes.png"));
        send(producer, id, media("image_url", data("image/png", picture)));
        send(producer, id + "-text", quoted("Who are you?"));
    }

    private void picture(PromptProducer producer, String id, String url, String words) throws Exception {
        chat(producer, id, media("image_url", url), words);
    }

    private void video(PromptProducer producer, String id, String url, String words) throws Exception {
        chat(producer, id, media("video_url", url), words);
    }

    private void chat(PromptProducer producer, String id, String content, String words) throws Exception {
        send(producer, id, content);
        if (words != null) {
            refused.put(id, words);
        }
    }

    private void body(PromptProducer producer, String id, String body, String words) throws Exception {
        producer.send(bytes(id), bytes(body)).get();
        refused.put(id, words);
    }

    private void unreadable(PromptProducer producer, byte[] value, String words) throws Exception {
        RecordMetadata at = producer.send(null, value).get();
        refused.put(at.topic() + "/" + at.partition() + "/" + at.offset(), words);
    }

    private static void send(PromptProducer producer, String id, String content) throws Exception {
        String body =
                """
                {"messages": [{"role": "user", "content": %s}], "temperature": 0, "max_tokens": 32}
                """;
        producer.send(bytes(id), bytes(body.formatted(content))).get();
    }

    private static PromptRequest prompt(String id, double temperature) {
        SamplingOptions options = SamplingOptions.newBuilder()
                .setMaxTokens(4)
                .setIgnoreEos(true)
                .setTemperature(temperature)
                .build();
        return PromptRequest.newBuilder()
                .setRequestId(id)
                .setPrompt("Who are you?")
                .setSampling(options)
                .build();
    }

    private static String media(String type, String url) {
        return """
                [{"type": "%s", "%s": {"url": "%s"}}, {"type": "text", "text": "Describe this image."}]"""
                .formatted(type, type, url);
    }

    private static String data(String type, byte[] file) {
        return "data:" + type + ";base64," + Base64.getEncoder().encodeToString(file);
    }

    private static byte[] truncatedPicture() throws IOException {
        byte[] whole = Files.readAllBytes(SAMPLES.resolve("three-shapes.jpg"));
        return Arrays.copyOf(whole, whole.length / 2);
    }

    private static byte[] bomb() throws IOException {
        var file = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(20_000, 20_000, BufferedImage.TYPE_BYTE_BINARY), "png", file);
        return file.toByteArray();
    }

    private static String quoted(String text) {
        return '"' + text + '"';
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

package dev.millrace.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.job.kafka.AnswerAssembler;
import dev.millrace.job.kafka.AnswerUpdate;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.PromptProducer;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.job.kafka.TokenReader;
import dev.millrace.job.kafka.Topics;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.IsolationLevel;

/** Asks for captions through Kafka and reads the answers as they are made. */
final class CaptionRun implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration POLL = Duration.ofMillis(50);
    private static final Duration SILENCE = Duration.ofSeconds(60);

    private final ShapePictures pictures;
    private final PromptProducer producer;
    private final TokenReader reader;
    private final AnswerAssembler assembler = new AnswerAssembler(1 << 16);
    private int asked;

    /** What a run took, from the first prompt's submission to the last answer's end. */
    record Result(double seconds, long tokens) {}

    CaptionRun(String bootstrapServers, ShapePictures pictures) {
        this.pictures = pictures;
        KafkaConfig config = KafkaConfig.of(bootstrapServers).withFormat(RecordFormat.JSON);
        try (var topics = new Topics(config)) {
            this.producer = new PromptProducer(config, topics.prepare());
        }
        this.reader = new TokenReader(config, IsolationLevel.READ_UNCOMMITTED, TokenReader.Start.LATEST);
    }

    Result run(int count) throws IOException {
        List<byte[]> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(prompt(asked + i));
        }
        long start = System.nanoTime();
        for (byte[] prompt : prompts) {
            producer.send(Integer.toString(asked++).getBytes(StandardCharsets.UTF_8), prompt);
        }
        long tokens = listen(count);
        return new Result(Timing.seconds(System.nanoTime() - start), tokens);
    }

    @Override
    public void close() {
        reader.close();
        producer.close();
    }

    private long listen(int count) throws IOException {
        long tokens = 0;
        int finished = 0;
        long heard = System.nanoTime();
        while (finished < count) {
            for (TokenEvent event : reader.poll(POLL)) {
                heard = System.nanoTime();
                AnswerUpdate update = assembler.accept(event);
                if (event.getFinishReason() == FinishReason.ERROR) {
                    throw new IllegalStateException("a caption failed: " + event.getError());
                }
                tokens += update.newTokens().size();
                finished += update.finished() ? 1 : 0;
            }
            if (System.nanoTime() - heard > SILENCE.toNanos()) {
                throw new IllegalStateException("nothing was heard for %d s, %d of %d captions are there"
                        .formatted(SILENCE.toSeconds(), finished, count));
            }
        }
        return tokens;
    }

    private byte[] prompt(int number) throws IOException {
        String url = "data:image/png;base64," + Base64.getEncoder().encodeToString(pictures.next());
        return JSON.writeValueAsBytes(Map.of(
                "request_id",
                Integer.toString(number),
                "messages",
                List.of(Map.of(
                        "role",
                        "user",
                        "content",
                        List.of(
                                Map.of("type", "image_url", "image_url", Map.of("url", url)),
                                Map.of("type", "text", "text", "Describe this image.")))),
                "max_tokens",
                64,
                "temperature",
                0));
    }
}

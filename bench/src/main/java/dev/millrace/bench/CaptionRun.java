package dev.millrace.bench;

import dev.millrace.bench.pictures.ShapePictures;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.job.kafka.RecordFormat;
import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.MediaKind;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.TextPart;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Asks for captions through Kafka. */
final class CaptionRun implements AutoCloseable {

    private static final int MAX_TOKENS = 64;

    private final ShapePictures pictures;
    private final JobClient client;
    private int asked;

    CaptionRun(String bootstrapServers, ShapePictures pictures) {
        this.pictures = pictures;
        this.client = new JobClient(KafkaConfig.of(bootstrapServers).withFormat(RecordFormat.JSON), () -> {});
    }

    JobClient.Result run(int count) throws IOException {
        List<PromptRequest> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(prompt());
        }
        return client.ask(prompts);
    }

    @Override
    public void close() {
        client.close();
    }

    private PromptRequest prompt() throws IOException {
        String url = "data:image/png;base64," + Base64.getEncoder().encodeToString(pictures.next());
        var picture =
                MediaPart.newBuilder().setKind(MediaKind.IMAGE).setUrl(url).build();
        var message = new ChatMessage("user", List.of(picture, new TextPart("Describe this image.")));
        return PromptRequest.newBuilder()
                .setRequestId(Integer.toString(asked++))
                .setMessages(List.of(message))
                .setSampling(SamplingOptions.newBuilder()
                        .setTemperature(0.0)
                        .setMaxTokens(MAX_TOKENS)
                        .build())
                .build();
    }
}

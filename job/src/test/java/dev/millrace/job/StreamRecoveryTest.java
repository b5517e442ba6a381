package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What clients of the API notice of a crash: a pause. */
@Timeout(600)
@ExtendWith(LocalStack.Shared.class)
class StreamRecoveryTest {

    private static final int STREAMS = 16;
    private static final int TOKENS = 400;
    private static final List<String> PICTURES = List.of("two-shapes.png", "three-shapes.jpg", "sign.png", "left.png");

    @Test
    void streamsGoOnAfterTheTaskManagersDeathAsIfNothingHadHappened(LocalStack stack) throws Exception {
        try (OpenAiServer server = new OpenAiServer(stack);
                Clients clients = new Clients(server.url())) {
            List<Stream> calm = clients.begin();
            List<String> undisturbed = texts(calm);

            List<Stream> stormy;
            try (Brake brake = Brake.hold(0)) {
                stormy = clients.begin();
                brake.allow(server.generations(), STREAMS, TOKENS / 2);
                for (Stream stream : stormy) {
                    stream.awaitBeginning();
                }
                assertThat(stormy).noneMatch(Stream::hasEnded);
                stack.flink().replaceTaskManager();
            }

            assertThat(texts(stormy)).isEqualTo(undisturbed);
            assertThat(Set.copyOf(undisturbed)).hasSizeGreaterThan(STREAMS / 2);
            assertThat(stormy).allMatch(stream -> stream.tokens() == TOKENS);
        }
    }

    private static List<String> texts(List<Stream> streams) throws Exception {
        List<String> texts = new ArrayList<>();
        for (Stream stream : streams) {
            texts.add(stream.text());
        }
        return texts;
    }

    /** Some clients of OpenAI's library, each on a thread of its own. */
    private static final class Clients implements AutoCloseable {

        private final ExecutorService threads = Executors.newFixedThreadPool(STREAMS);
        private final OpenAIClient client;

        Clients(String url) {
            client = OpenAIOkHttpClient.builder()
                    .baseUrl(url)
                    .apiKey(OpenAiServer.KEY)
                    .maxRetries(0)
                    .build();
        }

        List<Stream> begin() throws IOException {
            List<Stream> streams = new ArrayList<>();
            for (int i = 0; i < STREAMS; i++) {
                streams.add(new Stream(client, body(i), threads));
            }
            return streams;
        }

        /** Every second answer is drawn with a seed, the others are greedy. */
        private static ChatCompletionCreateParams body(int i) throws IOException {
            String url = OpenAiServer.dataUrl(PICTURES.get(i % PICTURES.size()));
            Map<String, Object> message = Map.of(
                    "role",
                    "user",
                    "content",
                    List.of(
                            Map.of("type", "image_url", "image_url", Map.of("url", url)),
                            Map.of("type", "text", "text", "Describe this image, please: %d.".formatted(i))));
            return ChatCompletionCreateParams.builder()
                    .model(OpenAiServer.MODEL)
                    .messages(JsonValue.from(List.of(message)))
                    .temperature(i % 2)
                    .seed(i)
                    .maxCompletionTokens(TOKENS)
                    .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true))
                    .putAdditionalBodyProperty("stream_options", JsonValue.from(Map.of("include_usage", true)))
                    .build();
        }

        @Override
        public void close() {
            threads.shutdownNow();
            client.close();
        }
    }

    /** An answer that is being read. */
    private static final class Stream {

        private static final int BEGINNING = 3;

        private final CountDownLatch beginning = new CountDownLatch(BEGINNING);
        private final AtomicInteger tokens = new AtomicInteger();
        private final Future<String> text;

        Stream(OpenAIClient client, ChatCompletionCreateParams body, ExecutorService threads) {
            text = threads.submit(() -> read(client, body));
        }

        private String read(OpenAIClient client, ChatCompletionCreateParams body) {
            var all = new StringBuilder();
            try (StreamResponse<ChatCompletionChunk> response =
                    client.chat().completions().createStreaming(body)) {
                response.stream().forEach(chunk -> {
                    chunk.usage().ifPresent(usage -> tokens.set((int) usage.completionTokens()));
                    chunk.choices().forEach(choice -> choice.delta().content().ifPresent(all::append));
                    beginning.countDown();
                });
            }
            return all.toString();
        }

        void awaitBeginning() throws InterruptedException {
            assertThat(beginning.await(8, TimeUnit.MINUTES)).isTrue();
        }

        boolean hasEnded() {
            return text.isDone();
        }

        String text() throws Exception {
            return text.get(8, TimeUnit.MINUTES);
        }

        int tokens() {
            return tokens.get();
        }
    }
}

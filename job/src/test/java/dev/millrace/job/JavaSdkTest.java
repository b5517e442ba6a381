package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.errors.UnexpectedStatusCodeException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletion.Choice.FinishReason;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionContentPart;
import com.openai.models.chat.completions.ChatCompletionContentPartImage;
import com.openai.models.chat.completions.ChatCompletionContentPartText;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.CompletionCreateParams;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** OpenAI's own Java library against the whole of it: gateway, Kafka, Flink and the demonstration model. */
@Timeout(600)
@ExtendWith(LocalStack.Shared.class)
class JavaSdkTest {

    private static OpenAiServer server;
    private static OpenAIClient client;
    private static OpenAIClient strict;

    @BeforeAll
    static void start(LocalStack stack) throws Exception {
        server = new OpenAiServer(stack);
        client = client(server.url(), OpenAiServer.KEY);
        strict = client(server.strictUrl(), OpenAiServer.KEY);
    }

    @AfterAll
    static void stop() throws Exception {
        client.close();
        strict.close();
        server.close();
    }

    @Test
    void aChineseConversationIsAnsweredStreamedAndNot() {
        ChatCompletionCreateParams.Builder body =
                asked().addSystemMessage("You are a helpful assistant.").addUserMessage("你是谁?");

        ChatCompletion whole = client.chat().completions().create(body.build());
        List<ChatCompletionChunk> chunks = stream(body.streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build());

        assertThat(texts(whole)).containsExactly(OpenAiServer.answer("about-zh"));
        assertThat(whole.model()).isEqualTo(OpenAiServer.MODEL);
        assertThat(whole.choices().get(0).finishReason()).isEqualTo(FinishReason.STOP);
        ChatCompletion streamed = together(chunks);
        assertThat(texts(streamed)).isEqualTo(texts(whole));
        assertThat(chunks.size()).isGreaterThan(3);
        assertThat(chunks)
                .extracting(ChatCompletionChunk::id)
                .containsOnly(chunks.get(0).id());
        assertThat(chunks.get(chunks.size() - 1).usage().orElseThrow().completionTokens())
                .isEqualTo(whole.usage().orElseThrow().completionTokens())
                .isPositive();
    }

    @Test
    void picturesAndVideosAreDescribed() throws Exception {
        assertThat(described("Describe this image.", "two-shapes.png")).isEqualTo(OpenAiServer.answer("caption-en"));
        assertThat(described("What do you see?", "three-shapes.jpg")).isEqualTo(OpenAiServer.answer("caption-jpeg"));
        assertThat(described("Compare the two pictures.", "left.png", "right.png"))
                .isEqualTo(OpenAiServer.answer("two-pictures"));
        Map<String, Object> video = Map.of("url", OpenAiServer.dataUrl("ball.mp4"));
        Map<String, Object> message = Map.of(
                "role",
                "user",
                "content",
                List.of(
                        Map.of("type", "video_url", "video_url", video), // OpenAI has none, so neither has its library
                        Map.of("type", "text", "text", "What happens in the video?")));
        ChatCompletionCreateParams body =
                asked().messages(JsonValue.from(List.of(message))).build();
        assertThat(texts(client.chat().completions().create(body))).containsExactly(OpenAiServer.answer("video"));
    }

    @Test
    void threeAnswersAreTheSameStreamedAndNot() throws Exception {
        ChatCompletionCreateParams body = asked(question("Describe this image in detail.", "places.png"))
                .n(3)
                .temperature(2.0)
                .seed(11)
                .build();

        ChatCompletion whole = client.chat().completions().create(body);

        assertThat(texts(whole)).hasSize(3).doesNotContain("").doesNotHaveDuplicates();
        assertThat(texts(together(stream(body)))).isEqualTo(texts(whole));
    }

    @Test
    void beamsAreAnsweredTheBestFirstStreamedAndNot() throws Exception {
        ChatCompletionCreateParams body = asked(question("Describe this image.", "two-shapes.png"))
                .n(3)
                .putAdditionalBodyProperty("use_beam_search", JsonValue.from(true))
                .build();

        ChatCompletion whole = client.chat().completions().create(body);

        assertThat(texts(whole)).hasSize(3).doesNotHaveDuplicates().startsWith(OpenAiServer.answer("caption-en"));
        assertThat(texts(together(stream(body)))).isEqualTo(texts(whole));
        assertThat(catchThrowableOfType(BadRequestException.class, () -> client.chat()
                        .completions()
                        .create(body.toBuilder().n(11).build())))
                .hasMessageContaining("requested sample logprobs of 22, which is greater than max allowed: 20");
    }

    @Test
    void logprobsNameEachTokenAndItsRivals() {
        ChatCompletion answer = client.chat()
                .completions()
                .create(asked().addUserMessage("Who are you?")
                        .logprobs(true)
                        .topLogprobs(3)
                        .build());

        var tokens = answer.choices().get(0).logprobs().orElseThrow().content().orElseThrow();
        assertThat(tokens).hasSize((int) answer.usage().orElseThrow().completionTokens());
        assertThat(tokens).allSatisfy(token -> {
            assertThat(token.logprob()).isLessThanOrEqualTo(0);
            assertThat(token.topLogprobs()).hasSize(3);
            assertThat(token.topLogprobs().get(0).token()).isEqualTo(token.token()); // greedy
        });
        var text = new StringBuilder();
        tokens.subList(0, tokens.size() - 1)
                .forEach(token -> text.append(utf8(token.bytes().orElseThrow())));
        assertThat(text).hasToString(OpenAiServer.answer("about-en"));
    }

    @Test
    void anAnswerEndsBeforeAStopString() {
        ChatCompletionCreateParams body =
                asked().addUserMessage("Who are you?").stop("demonstration").build();

        ChatCompletion whole = client.chat().completions().create(body);

        assertThat(texts(whole)).containsExactly("I am a tiny ");
        assertThat(whole.choices().get(0).finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(texts(together(stream(body)))).containsExactly("I am a tiny ");
    }

    @Test
    void textsAreCompletedAndTheModelIsListed() {
        var completion = client.completions()
                .create(CompletionCreateParams.builder()
                        .model(OpenAiServer.MODEL)
                        .prompt("Once upon")
                        .echo(true)
                        .maxTokens(4)
                        .temperature(0.0)
                        .build());

        assertThat(completion.choices().get(0).text()).startsWith("Once upon").hasSizeGreaterThan(9);
        assertThat(completion.usage().orElseThrow().completionTokens()).isEqualTo(4);
        assertThat(client.models().list().data())
                .extracting(model -> model.id())
                .contains(OpenAiServer.MODEL);
    }

    @Test
    void errorsAreThoseOfTheLibrary() {
        OpenAIClient stranger = client(server.url(), "wrong");
        assertThat(failure(() -> stranger.models().list(), UnauthorizedException.class))
                .isEqualTo(401);
        stranger.close();
        ChatCompletionCreateParams.Builder body = asked().addUserMessage("Who are you?");
        assertThat(failure(() -> create(client, body.topP(7.0)), BadRequestException.class))
                .isEqualTo(400);
        assertThat(failure(() -> create(client, body.topP(1.0).model("gpt-4o")), NotFoundException.class))
                .isEqualTo(404);
        assertThat(failure(
                        () -> create(strict, asked().addUserMessage("x".repeat(OpenAiServer.STRICT_BODY_BYTES))),
                        UnexpectedStatusCodeException.class))
                .isEqualTo(413);
    }

    @Test
    void oneTooManyIsRefusedUntilAnotherIsGone() throws Exception {
        ChatCompletionCreateParams.Builder body = asked().addUserMessage("Who are you?");
        try (var brake = Brake.hold(0)) {
            var running = CompletableFuture.supplyAsync(() -> create(strict, body));
            brake.awaitHeld(); // it has the only place
            assertThat(failure(() -> create(strict, body), RateLimitException.class))
                    .isEqualTo(429);
            brake.release();
            assertThat(texts(running.get())).containsExactly(OpenAiServer.answer("about-en"));
        }
        assertThat(create(strict, body).choices()).hasSize(1);
    }

    private static OpenAIClient client(String url, String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(url)
                .apiKey(key)
                .maxRetries(0)
                .build();
    }

    private static ChatCompletion create(OpenAIClient client, ChatCompletionCreateParams.Builder body) {
        return client.chat().completions().create(body.build());
    }

    private static ChatCompletionCreateParams.Builder asked() {
        return ChatCompletionCreateParams.builder()
                .model(OpenAiServer.MODEL)
                .temperature(0.0)
                .maxCompletionTokens(64);
    }

    private static ChatCompletionCreateParams.Builder asked(List<ChatCompletionContentPart> parts) {
        return asked().addUserMessageOfArrayOfContentParts(parts);
    }

    private static String described(String question, String... pictures) throws Exception {
        return texts(create(client, asked(question(question, pictures)))).get(0);
    }

    private static List<ChatCompletionContentPart> question(String text, String... pictures) throws Exception {
        List<ChatCompletionContentPart> parts = new ArrayList<>();
        for (String picture : pictures) {
            var url = ChatCompletionContentPartImage.ImageUrl.builder()
                    .url(OpenAiServer.dataUrl(picture))
                    .build();
            parts.add(ChatCompletionContentPart.ofImageUrl(
                    ChatCompletionContentPartImage.builder().imageUrl(url).build()));
        }
        parts.add(ChatCompletionContentPart.ofText(
                ChatCompletionContentPartText.builder().text(text).build()));
        return parts;
    }

    private static List<ChatCompletionChunk> stream(ChatCompletionCreateParams body) {
        try (StreamResponse<ChatCompletionChunk> response =
                client.chat().completions().createStreaming(body)) {
            return response.stream().toList();
        }
    }

    private static ChatCompletion together(List<ChatCompletionChunk> chunks) {
        var accumulator = ChatCompletionAccumulator.create();
        chunks.forEach(accumulator::accumulate);
        return accumulator.chatCompletion();
    }

    private static List<String> texts(ChatCompletion completion) {
        return completion.choices().stream()
                .map(choice -> choice.message().content().orElseThrow())
                .toList();
    }

    private static String utf8(List<Long> bytes) {
        byte[] text = new byte[bytes.size()];
        for (int i = 0; i < text.length; i++) {
            text[i] = bytes.get(i).byteValue();
        }
        return new String(text, StandardCharsets.UTF_8);
    }

    /** The status of an error of that class, which says what is wrong. */
    private static int failure(Runnable call, Class<? extends OpenAIServiceException> type) {
        OpenAIServiceException error = catchThrowableOfType(type, call::run);
        assertThat(error).isNotNull();
        assertThat(error.getMessage()).isNotBlank();
        return error.statusCode();
    }
}

package dev.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * OpenAI's own Node library against the whole of it: gateway, Kafka, Flink and the demonstration model. One process calls the
 * cases of {@code openai-node/calls.mjs}; each test looks at what came of some.
 */
@Timeout(600)
@ExtendWith(LocalStack.Shared.class)
class NodeSdkTest {

    private static JsonNode results;

    @BeforeAll
    static void callAll(LocalStack stack) throws Exception {
        try (OpenAiServer server = new OpenAiServer(stack)) {
            results = new ObjectMapper()
                    .readTree(NodeSdk.run(
                            "calls.mjs",
                            Map.of(
                                    "BASE_URL", server.url(),
                                    "STRICT_URL", server.strictUrl(),
                                    "MODEL", OpenAiServer.MODEL,
                                    "API_KEY", OpenAiServer.KEY,
                                    "SAMPLES", OpenAiServer.SAMPLES.toString())));
        }
    }

    @Test
    void aChineseConversationIsAnsweredStreamedAndNot() {
        JsonNode whole = result("chat");
        JsonNode streamed = result("chatStreamed");

        assertThat(whole.at("/choices/0/message/content").asText()).isEqualTo(OpenAiServer.answer("about-zh"));
        assertThat(whole.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(whole.path("object").asText()).isEqualTo("chat.completion");
        assertThat(texts(streamed.path("texts"))).containsExactly(OpenAiServer.answer("about-zh"));
        assertThat(texts(streamed.path("roles"))).containsExactly("assistant");
        assertThat(texts(streamed.path("reasons"))).containsExactly("stop");
        assertThat(streamed.path("chunks").asInt()).isGreaterThan(3);
        assertThat(streamed.at("/usage/completion_tokens").asInt())
                .isEqualTo(whole.at("/usage/completion_tokens").asInt())
                .isPositive();
    }

    @ParameterizedTest
    @CsvSource({
        "picture,caption-en",
        "chinesePicture,caption-zh",
        "jpeg,caption-jpeg",
        "twoPictures,two-pictures",
        "video,video"
    })
    void picturesAndVideosAreDescribed(String name, String sample) {
        assertThat(texts(result(name))).containsExactly(OpenAiServer.answer(sample));
    }

    @Test
    void threeAnswersAreTheSameStreamedAndNot() {
        List<String> answers = texts(result("three"));

        assertThat(answers).hasSize(3).doesNotContain("").doesNotHaveDuplicates();
        assertThat(texts(result("threeStreamed").path("texts"))).isEqualTo(answers);
    }

    @Test
    void logprobsNameEachTokenAndItsRivals() {
        JsonNode choice = result("logprobs");
        JsonNode tokens = choice.at("/logprobs/content");

        var bytes = new StringBuilder();
        for (JsonNode token : tokens) {
            assertThat(token.path("logprob").asDouble(1)).isLessThanOrEqualTo(0);
            assertThat(token.path("top_logprobs")).hasSize(3);
            assertThat(token.at("/top_logprobs/0/token")).isEqualTo(token.path("token")); // greedy
            bytes.append(utf8(token.path("bytes")));
        }
        assertThat(bytes.toString()).startsWith(choice.at("/message/content").asText());
        assertThat(choice.at("/message/content").asText()).isEqualTo(OpenAiServer.answer("about-en"));
    }

    @Test
    void anAnswerEndsBeforeAStopString() {
        assertThat(result("stop").at("/message/content").asText()).isEqualTo("I am a tiny ");
        assertThat(result("stop").path("finish_reason").asText()).isEqualTo("stop");
        assertThat(texts(result("stopStreamed").path("texts"))).containsExactly("I am a tiny ");
    }

    @Test
    void anAnswerKeepsToAJsonSchema() throws Exception {
        JsonNode answer = new ObjectMapper().readTree(texts(result("schema")).get(0));

        assertThat(answer.asText()).isIn("a red circle", "a green square");
    }

    @Test
    void theLibrarysOwnHelperForStreamsWorks() {
        assertThat(result("helper").asText()).isEqualTo(OpenAiServer.answer("about-en"));
    }

    @Test
    void textsAreCompletedAndTheModelIsListed() {
        JsonNode completion = result("completion");

        assertThat(completion.path("object").asText()).isEqualTo("text_completion");
        assertThat(completion.at("/choices/0/text").asText())
                .startsWith("Once upon a time")
                .hasSizeGreaterThan(16);
        assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("length");
        assertThat(completion.at("/usage/completion_tokens").asInt()).isEqualTo(5);
        assertThat(result("models").findValuesAsText("id")).contains(OpenAiServer.MODEL);
    }

    @ParameterizedTest
    @CsvSource({
        "wrongKey,AuthenticationError,401,''",
        "badTopP,BadRequestError,400,top_p",
        "badPicture,BadRequestError,400,''",
        "unknownModel,NotFoundError,404,gpt-4o",
        "tooLarge,APIError,413,''",
        "tooMany,RateLimitError,429,--max-pending"
    })
    void errorsAreThoseOfTheLibrary(String name, String type, int status, String says) {
        JsonNode error = result(name);

        assertThat(error.path("name").asText()).isEqualTo(type);
        assertThat(error.path("status").asInt()).isEqualTo(status);
        assertThat(error.path("message").asText()).contains(says).hasSizeGreaterThan(10);
        assertThat(error.path("type").asText()).isNotBlank();
        assertThat(error.path("retryAfter").isTextual()).isEqualTo(status == 429);
    }

    /** Of a case that was called and did not fail otherwise than it should. */
    private static JsonNode result(String name) {
        JsonNode result = results.required(name);
        assertThat(result.path("failed").asText()).isEmpty();
        return result;
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asText()));
        return texts;
    }

    private static String utf8(JsonNode array) {
        byte[] bytes = new byte[array.size()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) array.path(i).intValue();
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }
}

package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.gateway.ServerStatus;
import dev.millrace.gateway.UnavailableException;
import dev.millrace.gateway.http.FakeGenerations.Submitted;
import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.FinishReason;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorsTest extends HttpTest {

    private static final String CHAT = "/v1/chat/completions";
    private static final String COMPLETIONS = "/v1/completions";
    private static final String HELLO = "'messages': [{'role': 'user', 'content': 'Hello'}]";

    @BeforeEach
    void start() throws IOException {
        start(config());
    }

    private static void assertError(HttpResponse<String> response, int status, String type, String message)
            throws IOException {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        JsonNode error = json(response).path("error");
        assertThat(json(response).size()).isEqualTo(1);
        assertThat(error.path("type").asText()).isEqualTo(type);
        assertThat(error.path("code").intValue()).isEqualTo(status);
        assertThat(error.path("message").asText()).contains(message);
        assertThat(error.has("param")).isTrue();
    }

    /** What is wrong with a conversation, the field at fault, and vLLM's words where it has any. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "{'model': 'demo-vl'} | messages | Field required",
                "{'messages': 'x'} | messages | must be an array",
                "{'messages': [1]} | messages[0] | must be an object",
                "{'messages': [{'content': 'x'}]} | messages[0].role | is missing",
                "{'messages': [{'role': 'user', 'content': 5}]} | messages[0].content | a string or an array",
                "{HELLO, 'stream_options': {'include_usage': true}} | stream_options"
                        + " | Stream options can only be defined when `stream=True`.",
                "{HELLO, 'top_logprobs': 2} | top_logprobs"
                        + " | when using `top_logprobs`, `logprobs` must be set to true.",
                "{HELLO, 'logprobs': true, 'top_logprobs': -2} | top_logprobs"
                        + " | `top_logprobs` must be a positive value or -1.",
                "{HELLO, 'prompt_logprobs': -2} | prompt_logprobs"
                        + " | `prompt_logprobs` must be a positive value or -1.",
                "{HELLO, 'prompt_logprobs': 1, 'stream': true} | prompt_logprobs"
                        + " | `prompt_logprobs` are not available when `stream=True`.",
                "{HELLO, 'tools': [{'type': 'function', 'function': {'name': 'f'}}]} | tools | \"auto\" tool choice"
                        + " requires --enable-auto-tool-choice and --tool-call-parser to be set",
                "{HELLO, 'tool_choice': 'required'} | tool_choice | When using `tool_choice`, `tools` must be set.",
                "{'messages': [{'role': 'user', 'content': [{'type': 'input_audio', 'input_audio': {}}]}]} | messages"
                        + " | At most 0 audio(s) may be provided in one prompt.",
                "{'messages': [{'role': 'user', 'content': [{'type': 'image_embeds', 'image_embeds': 'x'}]}]}"
                        + " | messages | You must set `--enable-mm-embeds` to input `image_embeds`",
                "{'messages': [{'role': 'user', 'content': [{'type': 'poem', 'poem': 'x'}]}]}"
                        + " | messages[0].content[0].type | must be one of",
                "{HELLO, 'n': 1.5} | n | an integer",
                "{HELLO, 'n': 99999999999999999999} | n | an integer",
                "{HELLO, 'n': '1'} | n | an integer",
                "{HELLO, 'temperature': 'hot'} | temperature | a number",
                "{HELLO, 'stream': 'yes'} | stream | true or false",
                "{HELLO, 'stop': 5} | stop | a string or an array of strings",
                "{HELLO, 'seed': 1e30} | seed | an integer",
                "{HELLO, 'model': 5} | model | a string",
                "{HELLO, 'request_id': 'a b'} | request_id | visible ASCII",
                "{HELLO, 'logit_bias': [1]} | logit_bias | an object",
                "{HELLO, 'mm_processor_kwargs': {'magic': 1}} | mm_processor_kwargs.magic | not supported",
            })
    void conversationThatMakesNoSenseIsRefused(String body, String param, String message) throws Exception {
        var sent = request(CHAT)
                .header("Content-Type", "application/json; charset=utf-8")
                .POST(BodyPublishers.ofString(body.replace("HELLO", HELLO).replace('\'', '"')))
                .build();
        HttpResponse<String> response = client.send(sent, BodyHandlers.ofString());
        assertError(response, 400, "BadRequestError", message);
        assertThat(json(response).path("error").path("param").asText()).isEqualTo(param);
        assertThat(generations.nothingCame()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "{} | prompt | Either prompt or prompt_embeds must be provided and non-empty.",
                "{'prompt': ''} | prompt | Either prompt or prompt_embeds must be provided and non-empty.",
                "{'prompt': []} | prompt | Either prompt or prompt_embeds must be provided and non-empty.",
                "{'messages': [], 'model': 'demo-vl'} | prompt | Either prompt or prompt_embeds must be provided",
                "{'prompt': 'x', 'suffix': 'y'} | suffix | suffix is not currently supported",
                "{'prompt': 'x', 'prompt_embeds': 'y'} | prompt_embeds | --enable-prompt-embeds",
                "{'prompt': 'x', 'logprobs': -1} | logprobs | `logprobs` must be a positive value.",
                "{'prompt': 'x', 'best_of': 2} | best_of | not supported",
                "{'prompt': {'a': 1}} | prompt | a string or an array of token ids",
                "{'prompt': [1, 'x']} | prompt[1] | an integer",
                "{'prompt': ['x', 1]} | prompt[1] | a string",
                "{'prompt': ['x', null]} | prompt[1] | a string",
                "{'prompt': [[1], ['x']]} | prompt[1][0] | an integer",
            })
    void completionThatMakesNoSenseIsRefused(String body, String param, String message) throws Exception {
        HttpResponse<String> response = wait(send(COMPLETIONS, body));
        assertError(response, 400, "BadRequestError", message);
        assertThat(json(response).path("error").path("param").asText()).isEqualTo(param);
        assertThat(generations.nothingCame()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "# # | no",
                "nonsense | JSON",
                "[1] | must be a JSON object",
                "{'a': 1, 'a': 2} | Duplicate",
                "{'messages': [{'role': 'user', 'content': 'Hello'}]} {} | more follows",
                "{'messages': [ | Unexpected end-of-input",
            })
    void whatIsNoJsonObjectIsRefused(String body, String message) throws Exception {
        assertError(wait(send(CHAT, body)), 400, "BadRequestError", message);
    }

    @Test
    void hostileJsonIsRefused() throws Exception {
        Map<String, String> bodies = Map.of(
                "{'messages': " + "[".repeat(100_000) + "]".repeat(100_000) + "}", "nesting depth",
                "{" + HELLO + ", 'temperature': " + "9".repeat(5_000) + "}", "Number value length",
                "{'prompt': [" + "{},".repeat(3_000_000) + "{}]}", "Token count");
        for (Map.Entry<String, String> body : bodies.entrySet()) {
            assertError(wait(send(CHAT, body.getKey())), 400, "BadRequestError", body.getValue());
        }
    }

    @Test
    void textThatIsNoUtf8IsRefused() throws Exception {
        byte[] body = "{\"messages\": [{\"role\": \"user\", \"content\": \"\u00ff\u00fe\"}]}"
                .getBytes(StandardCharsets.ISO_8859_1);
        var sent = request(CHAT)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofByteArray(body))
                .build();
        assertError(client.send(sent, BodyHandlers.ofString()), 400, "BadRequestError", "UTF-8");
    }

    @Test
    void onlyJsonIsTaken() throws Exception {
        var sent = request(CHAT)
                .header("Content-Type", "text/plain")
                .POST(BodyPublishers.ofString("{}"))
                .build();
        assertError(
                client.send(sent, BodyHandlers.ofString()),
                400,
                "BadRequestError",
                "Unsupported Media Type: Only 'application/json' is allowed");
    }

    @Test
    void anotherModelIsNotFound() throws Exception {
        for (String path : new String[] {CHAT, COMPLETIONS}) {
            HttpResponse<String> response = wait(send(path, "{" + HELLO + ", 'prompt': 'x', 'model': 'gpt-4'}"));
            assertError(response, 404, "NotFoundError", "The model `gpt-4` does not exist.");
            assertThat(json(response).path("error").path("param").asText()).isEqualTo("model");
        }
    }

    @Test
    void jobDecidesOnTheModelWhileNothingIsKnownOfIt() throws Exception {
        generations.status = ServerStatus.NOTHING_HEARD;
        var response = send(CHAT, "{" + HELLO + ", 'model': 'gpt-4'}");
        Submitted sent = generations.take();
        assertThat(sent.request.getModel()).isEqualTo("gpt-4");
        sent.error("not_found_error", "The model `gpt-4` does not exist.", "model");
        assertError(wait(response), 404, "NotFoundError", "The model `gpt-4` does not exist.");
    }

    /** What the job says before any token has a status of its own, streamed or not. */
    @ParameterizedTest
    @CsvSource({
        "invalid_request_error, 400, BadRequestError",
        "not_found_error, 404, NotFoundError",
        "deadline_exceeded_error, 504, Gateway Timeout",
        "internal_server_error, 500, InternalServerError",
        "some_new_word, 500, InternalServerError",
    })
    void errorBeforeTheFirstTokenIsAStatus(String code, int status, String type) throws Exception {
        for (boolean stream : new boolean[] {false, true}) {
            var response = send(CHAT, "{" + HELLO + ", 'stream': " + stream + "}");
            generations.take().error(code, "what is wrong", "n");
            assertError(wait(response), status, type, "what is wrong");
            assertThat(wait(response).headers().firstValue("content-type")).contains("application/json");
            assertThat(json(wait(response)).path("error").path("param").asText())
                    .isEqualTo("n");
        }
    }

    @Test
    void aSmallBodyDoesNotMakeRequestsOfGigabytes() throws Exception {
        String prompts = "'x',".repeat(99) + "'x'";
        String stop = "s".repeat(1 << 20);
        var many = wait(send(COMPLETIONS, "{'prompt': [" + prompts + "], 'stop': '" + stop + "'}"));
        assertError(many, 400, "BadRequestError", "prompt holds 100 prompts, and with each go the 10485");
        assertThat(generations.nothingCame()).isTrue();
        send(COMPLETIONS, "{'prompt': ['a', 'b'], 'stop': '" + stop + "'}");
        generations.take();
        generations.take();
    }

    @Test
    void morePromptsThanThereIsEverRoomForAreNotToldToComeLater() throws Exception {
        generations.most = 2;
        var three = wait(send(COMPLETIONS, "{'prompt': ['a', 'b', 'c']}"));
        assertError(three, 400, "BadRequestError", "prompt holds 3 prompts; at most 2 may be outstanding here");
        assertThat(generations.nothingCame()).isTrue();
        send(COMPLETIONS, "{'prompt': ['a', 'b']}");
        generations.take();
        generations.take();
    }

    @Test
    void errorAfterTheFirstTokenIsAnEvent() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'stream': true}");
        Submitted sent = generations.take();
        sent.token(0, 1, "a").error("internal_server_error", "it broke", null);

        assertThat(wait(response).statusCode()).isEqualTo(200);
        assertThat(wait(response).body())
                .contains("\"content\":\"a\"")
                .endsWith("data: {\"error\":{\"message\":\"it broke\",\"type\":\"InternalServerError\",\"param\":null,"
                        + "\"code\":500}}\n\ndata: [DONE]\n\n");
    }

    @Test
    void errorAfterTheFirstTokenIsAStatusWhereNothingWasSent() throws Exception {
        var response = send(CHAT, "{" + HELLO + "}");
        generations.take().token(0, 1, "a").error("internal_server_error", "it broke", null);
        assertError(wait(response), 500, "InternalServerError", "it broke");
    }

    @Test
    void failuresOnTheWayHaveTheirStatus() throws Exception {
        var unavailable = send(CHAT, "{" + HELLO + "}");
        generations.take().failure(new UnavailableException("no broker answers", null));
        assertError(wait(unavailable), 503, "Service Unavailable", "no broker answers");
        assertThat(wait(unavailable).headers().firstValue("retry-after")).isPresent();

        var late = send(CHAT, "{" + HELLO + "}");
        generations.take().failure(new TimeoutException("no end came"));
        assertError(wait(late), 504, "Gateway Timeout", "no end came");

        var large = send(CHAT, "{" + HELLO + "}");
        generations.take().failure(new InvalidInputException("the record is too large", null));
        assertError(wait(large), 413, "Request Entity Too Large", "the record is too large");

        var broken = send(CHAT, "{" + HELLO + "}");
        generations.take().failure(new IllegalStateException("oh"));
        assertError(wait(broken), 500, "InternalServerError", "oh");
    }

    @Test
    void tooManyRequestsAreToldToComeAgain() throws Exception {
        generations.room = 1;
        HttpResponse<String> response = wait(send(COMPLETIONS, "{'prompt': ['one', 'two']}"));
        assertError(response, 429, "Too Many Requests", "--max-pending");
        assertThat(response.headers().firstValue("retry-after")).contains("1");
        generations.take().awaitCancel();
    }

    @Test
    void promptThatCannotBeSentHasItsStatus() throws Exception {
        generations.failure = new InvalidInputException("the id is too long", "request_id");
        assertError(wait(send(CHAT, "{" + HELLO + "}")), 400, "BadRequestError", "the id is too long");
        generations.failure = new IllegalStateException("closed");
        assertError(wait(send(CHAT, "{" + HELLO + "}")), 503, "Service Unavailable", "shutting down");
        generations.failure = new UnsupportedOperationException("a fault");
        assertError(wait(send(CHAT, "{" + HELLO + "}")), 500, "InternalServerError", "the server's log says why");
        assertThat(json(get("/load")).path("server_load").intValue()).isZero();
    }

    @Test
    void nothingMoreIsSentAfterAnError() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'stream': true}");
        Submitted sent = generations.take();
        sent.token(0, 1, "a").error("internal_server_error", "it broke", null);
        sent.last(0, 2, "b", FinishReason.STOP, null).end(1, 2);
        assertThat(wait(response).body()).doesNotContain("\"content\":\"b\"").containsOnlyOnce("[DONE]");
    }
}

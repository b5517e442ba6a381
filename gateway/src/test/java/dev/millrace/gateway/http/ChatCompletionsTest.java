package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.gateway.http.FakeGenerations.Submitted;
import dev.millrace.gateway.openai.AnswerStyle;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TextPart;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.TokenLogprob;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ChatCompletionsTest extends HttpTest {

    private static final String CHAT = "/v1/chat/completions";
    private static final String HELLO = "'messages': [{'role': 'user', 'content': 'Hello'}]";

    @BeforeEach
    void start() throws IOException {
        start(config());
    }

    /** The bytes are those that vLLM's models serialise to, but for what differs in every call. */
    private static String stable(HttpResponse<String> response) {
        return response.body().replaceAll("\"created\":\\d+", "\"created\":0");
    }

    @Test
    void streamHasTheBytesOfVllmsChunks() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'stream': true}");
        Submitted sent = generations.take();
        sent.token(0, 11, "Héllo").token(0, 12, "").last(0, 13, "!", FinishReason.STOP, "stop-word");
        sent.end(5, 3);

        assertThat(wait(response).statusCode()).isEqualTo(200);
        assertThat(wait(response).headers().firstValue("content-type")).contains("text/event-stream; charset=utf-8");
        String head = "data: {\"id\":\"chatcmpl-abc\",\"object\":\"chat.completion.chunk\",\"created\":0,"
                + "\"model\":\"demo-vl\",\"choices\":[{\"index\":0,\"delta\":";
        assertThat(stable(wait(response)))
                .isEqualTo(head
                        + "{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}],"
                        + "\"prompt_token_ids\":null}\n\n"
                        + head
                        + "{\"content\":\"Héllo\"},\"logprobs\":null,\"finish_reason\":null,\"token_ids\":null}]}\n\n"
                        + head
                        + "{\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null,\"token_ids\":null}]}\n\n"
                        + head
                        + "{\"content\":\"!\"},\"logprobs\":null,\"finish_reason\":\"stop\","
                        + "\"stop_reason\":\"stop-word\",\"token_ids\":null}]}\n\n"
                        + "data: [DONE]\n\n");
    }

    @Test
    void usageComesInAChunkOfItsOwn() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'stream': true, 'stream_options': {'include_usage': true}}");
        generations.take().answer("a", "b");

        assertThat(stable(wait(response)))
                .endsWith("\"finish_reason\":\"stop\",\"stop_reason\":null,\"token_ids\":null}]}\n\n"
                        + "data: {\"id\":\"chatcmpl-abc\",\"object\":\"chat.completion.chunk\",\"created\":0,"
                        + "\"model\":\"demo-vl\",\"choices\":[],"
                        + "\"usage\":{\"prompt_tokens\":5,\"total_tokens\":7,\"completion_tokens\":2}}\n\n"
                        + "data: [DONE]\n\n");
    }

    @Test
    void usageMayComeWithEveryChunk() throws Exception {
        var response =
                send(CHAT, "{" + HELLO + ", 'stream': true, 'stream_options': {'continuous_usage_stats': true}}");
        Submitted sent = generations.take();
        sent.event(sent.tokens(0, 1, "a").setPromptTokens(5).build());
        sent.last(0, 2, "b", FinishReason.STOP, null).end(5, 2);

        assertThat(wait(response).body().lines().filter(line -> line.contains("usage")))
                .map(line -> line.replaceAll(".*\"usage\":", ""))
                .containsExactly(
                        "{\"prompt_tokens\":5,\"total_tokens\":5,\"completion_tokens\":0},\"prompt_token_ids\":null}",
                        "{\"prompt_tokens\":5,\"total_tokens\":6,\"completion_tokens\":1}}",
                        "{\"prompt_tokens\":5,\"total_tokens\":7,\"completion_tokens\":2}}",
                        "{\"prompt_tokens\":5,\"total_tokens\":7,\"completion_tokens\":2}}");
    }

    @Test
    void wholeAnswerHasTheBytesOfVllmsResponse() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'model': 'other-name'}");
        generations.take().answer("Hel", "lo");

        assertThat(wait(response).headers().firstValue("content-type")).contains("application/json");
        assertThat(stable(wait(response)))
                .isEqualTo("{\"id\":\"chatcmpl-abc\",\"object\":\"chat.completion\",\"created\":0,"
                        + "\"model\":\"demo-vl\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                        + "\"content\":\"Hello\",\"refusal\":null,\"annotations\":null,\"audio\":null,"
                        + "\"function_call\":null,\"reasoning\":null},\"logprobs\":null,\"finish_reason\":\"stop\","
                        + "\"stop_reason\":null,\"token_ids\":null}],\"service_tier\":null,"
                        + "\"system_fingerprint\":null,\"usage\":{\"prompt_tokens\":5,\"total_tokens\":7,"
                        + "\"completion_tokens\":2,\"prompt_tokens_details\":null},\"prompt_logprobs\":null,"
                        + "\"prompt_token_ids\":null,\"kv_transfer_params\":null}");
    }

    @Test
    void requestSaysWhatTheBodyAsked() throws Exception {
        send(
                CHAT,
                """
                {"messages": [{"role": "system", "content": "You see."},
                  {"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}, "uuid": "u1"},
                    {"type": "video_url", "video_url": {"url": "data:video/jpeg;base64,AAAA,BBBB"}},
                    {"type": "text", "text": "Vergleiche: 你好"}]}],
                 "model": "demo-vl", "n": 3, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "min_p": 0.1, "seed": 7,
                 "max_tokens": 9, "max_completion_tokens": 11, "min_tokens": 2, "stop": "END", "stop_token_ids": [5],
                 "presence_penalty": 0.1, "frequency_penalty": 0.2, "repetition_penalty": 1.2, "ignore_eos": true,
                 "logit_bias": {"5": -1}, "bad_words": ["no"], "allowed_token_ids": [1, 2], "logprobs": true,
                 "top_logprobs": 2, "include_stop_str_in_output": true, "skip_special_tokens": false, "priority": 0,
                 "mm_processor_kwargs": {"max_pixels": 50176}, "chat_template_kwargs": {"add_vision_id": true},
                 "user": "somebody", "reply_to": "elsewhere", "headers": {"a": "b"}, "parallel_tool_calls": true,
                 "nobody_knows": 1}
                """);
        PromptRequest request = generations.take().request;

        assertThat(request.getRequestId()).startsWith("chatcmpl-abc-0-");
        assertThat(request.getModel()).as("checked here").isNull();
        assertThat(request.getReplyTo()).isNull();
        assertThat(request.getHeaders()).isEmpty();
        assertThat(request.getCreatedAt()).isAfter(Instant.parse("2026-01-01T00:00:00Z"));
        assertThat(request.getChatTemplateKwargs()).isEqualTo("{\"add_vision_id\":true}");
        assertThat(request.getMessages()).hasSize(2);
        List<Object> parts = request.getMessages().get(1).getContent();
        assertThat(((MediaPart) parts.get(0)).getUrl()).isEqualTo("https://example.org/a.png");
        assertThat(((MediaPart) parts.get(0)).getMaxPixels()).isEqualTo(50176);
        assertThat(((MediaPart) parts.get(1)).getUrl()).isEqualTo("data:video/jpeg;base64,AAAA,BBBB");
        assertThat(((TextPart) parts.get(2)).getText()).isEqualTo("Vergleiche: 你好");
        var sampling = request.getSampling();
        assertThat(sampling.getN()).isEqualTo(3);
        assertThat(sampling.getTemperature()).isEqualTo(0.5);
        assertThat(sampling.getMaxTokens())
                .as("max_completion_tokens goes first")
                .isEqualTo(11);
        assertThat(sampling.getStop()).containsExactly("END");
        assertThat(sampling.getLogprobs()).isEqualTo(2);
        assertThat(sampling.getSeed()).isEqualTo(7L);
        assertThat(sampling.getLogitBias()).containsEntry("5", -1.0);
        assertThat(sampling.getAllowedTokenIds()).containsExactly(1, 2);
    }

    @Test
    void beamsAndFormsOfAnswersGoThroughToTheEngine() throws Exception {
        send(CHAT, "{" + HELLO + ", 'use_beam_search': true, 'n': 4, 'length_penalty': 0.5, 'early_stopping': true}");
        var beams = generations.take().request.getSampling();
        assertThat(beams.getUseBeamSearch()).isTrue();
        assertThat(beams.getN()).isEqualTo(4);
        assertThat(beams.getLengthPenalty()).isEqualTo(0.5);
        assertThat(beams.getEarlyStopping()).isTrue();

        send(
                CHAT,
                "{" + HELLO + ", 'response_format': {'type': 'json_schema', 'json_schema': {'name': 'square',"
                        + " 'schema': {'type': 'object'}}}}");
        assertThat(generations
                        .take()
                        .request
                        .getSampling()
                        .getStructuredOutputs()
                        .getJson())
                .isEqualTo("{\"type\":\"object\"}");
        send(CHAT, "{" + HELLO + ", 'structured_outputs': {'choice': ['red', 'blue']}}");
        assertThat(generations
                        .take()
                        .request
                        .getSampling()
                        .getStructuredOutputs()
                        .getChoice())
                .containsExactly("red", "blue");
    }

    @Test
    void twoCallsOfOneNameAreTwoRequests() throws Exception {
        send(CHAT, "{" + HELLO + "}");
        send(CHAT, "{" + HELLO + "}");
        assertThat(generations.take().requestId())
                .isNotEqualTo(generations.take().requestId());
    }

    @Test
    void choicesAreToldByTheirIndex() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'n': 3}");
        Submitted sent = generations.take();
        sent.token(2, 30, "c").token(0, 10, "a").last(1, 20, "b", FinishReason.LENGTH, null);
        sent.last(2, 31, "C", FinishReason.STOP, 31).last(0, 11, "A", FinishReason.STOP, null);
        sent.end(5, 5);

        JsonNode choices = json(wait(response)).path("choices");
        assertThat(choices.findValuesAsText("content")).containsExactly("aA", "b", "cC");
        assertThat(choices.findValuesAsText("finish_reason")).containsExactly("stop", "length", "stop");
        assertThat(choices.path(2).path("stop_reason").intValue()).isEqualTo(31);
    }

    @Test
    void streamOpensEachChoiceBeforeAnyToken() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'n': 2, 'stream': true}");
        Submitted sent = generations.take();
        sent.last(1, 20, "b", FinishReason.STOP, null).last(0, 10, "a", FinishReason.STOP, null);
        sent.end(5, 2);

        assertThat(wait(response)
                        .body()
                        .lines()
                        .filter(line -> line.contains("index"))
                        .map(line -> line.replaceAll(".*(\"index\":\\d).*(\"content\":\"\\w?\").*", "$1 $2")))
                .containsExactly(
                        "\"index\":0 \"content\":\"\"",
                        "\"index\":1 \"content\":\"\"",
                        "\"index\":1 \"content\":\"b\"",
                        "\"index\":0 \"content\":\"a\"");
    }

    @Test
    void logprobsTellTokensAndTheirBytes() throws Exception {
        int half = TOKENIZER.encodeText("你")[0];
        var response = send(CHAT, "{" + HELLO + ", 'logprobs': true, 'top_logprobs': 1}");
        Submitted sent = generations.take();
        sent.scored(
                0,
                new TokenLogprob(half, "\ufffd", -1.5f, 2),
                new TokenLogprob(12, "é", -0.25f, 1),
                new TokenLogprob(half, "\ufffd", Float.NEGATIVE_INFINITY, 2));
        sent.last(0, 13, "", FinishReason.STOP, null);
        sent.end(5, 2);

        JsonNode content =
                json(wait(response)).path("choices").path(0).path("logprobs").path("content");
        assertThat(content).hasSize(1);
        assertThat(content.path(0).path("token").asText()).isEqualTo("\ufffd");
        assertThat(content.path(0).path("logprob").doubleValue()).isEqualTo(-1.5);
        assertThat(content.path(0).path("bytes").toString()).isEqualTo(bytes(TOKENIZER.tokenBytes(half)));
        assertThat(content.path(0).path("top_logprobs").toString())
                .isEqualTo("[{\"token\":\"é\",\"logprob\":-0.25,\"bytes\":" + bytes(TOKENIZER.tokenBytes(12)) + "}]");
    }

    private static String bytes(byte[] bytes) {
        StringBuilder text = new StringBuilder("[");
        for (byte b : bytes) {
            text.append(text.length() > 1 ? "," : "").append(b & 0xff);
        }
        return text.append("]").toString();
    }

    @Test
    void tokensAreToldAsIdsWhereAskedFor() throws Exception {
        var response = send(
                CHAT,
                "{" + HELLO + ", 'logprobs': true, 'return_tokens_as_token_ids': true, 'return_token_ids': true}");
        Submitted sent = generations.take();
        sent.scored(0, new TokenLogprob(12, "x", Float.NEGATIVE_INFINITY, 1));
        sent.last(0, 13, "y", FinishReason.STOP, null);
        sent.end(5, 2);

        JsonNode choice = json(wait(response)).path("choices").path(0);
        assertThat(choice.path("logprobs").path("content").path(0).path("token").asText())
                .isEqualTo("token_id:12");
        assertThat(choice.path("logprobs")
                        .path("content")
                        .path(0)
                        .path("logprob")
                        .doubleValue())
                .isEqualTo(-9999);
        assertThat(choice.path("token_ids").toString()).isEqualTo("[12,13]");
    }

    @Test
    void promptsTokensAreToldWhereTheyAreKnown() throws Exception {
        String expected = Arrays.toString(
                        TOKENIZER.encode("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
                                + "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"))
                .replace(" ", "");
        var whole = send(CHAT, "{" + HELLO + ", 'return_token_ids': true}");
        generations.take().answer("a");
        assertThat(json(wait(whole)).path("prompt_token_ids").toString()).isEqualTo(expected);

        var stream = send(CHAT, "{" + HELLO + ", 'return_token_ids': true, 'stream': true}");
        generations.take().answer("a");
        assertThat(wait(stream).body()).containsOnlyOnce("\"prompt_token_ids\":" + expected);

        var picture = send(
                CHAT,
                "{'messages': [{'role': 'user', 'content': [{'type': 'image_url', 'image_url': 'x'}]}],"
                        + " 'return_token_ids': true}");
        generations.take().answer("a");
        assertThat(json(wait(picture)).path("prompt_token_ids").isNull()).isTrue();
    }

    @Test
    void promptLogprobsAreToldByTokenId() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'prompt_logprobs': 1}");
        Submitted sent = generations.take();
        assertThat(sent.request.getSampling().getPromptLogprobs()).isEqualTo(1);
        sent.event(TokenEvent.newBuilder()
                .setRequestId(sent.requestId())
                .setPromptLogprobsStart(1)
                .setPromptLogprobs(List.of(new PositionLogprobs(
                        new TokenLogprob(7, "b", -2.5f, 4), List.of(new TokenLogprob(8, "c", -0.5f, 1)))))
                .setEmittedAt(Instant.EPOCH)
                .build());
        sent.answer("x");

        assertThat(json(wait(response)).path("prompt_logprobs").toString())
                .isEqualTo("[null,{\"7\":{\"logprob\":-2.5,\"rank\":4,\"decoded_token\":\"b\"},"
                        + "\"8\":{\"logprob\":-0.5,\"rank\":1,\"decoded_token\":\"c\"}}]");
    }

    @Test
    void lastMessageIsEchoedWhereTheAnswerGoesOnWithIt() throws Exception {
        String body =
                """
                {"messages": [{"role": "user", "content": "Count."}, {"role": "assistant", "content": "One, "}],
                 "continue_final_message": true, "add_generation_prompt": false, "echo": true""";
        var response = send(CHAT, body + "}");
        Submitted sent = generations.take();
        assertThat(sent.request.getContinueFinalMessage()).isTrue();
        assertThat(sent.request.getAddGenerationPrompt()).isFalse();
        assertThat(sent.request.getSampling().getEcho()).isFalse();
        sent.answer("two");
        assertThat(json(wait(response)).findValue("content").asText()).isEqualTo("One, two");

        var stream = send(CHAT, body + ", \"stream\": true}");
        generations.take().answer("two");
        assertThat(wait(stream).body())
                .contains("\"delta\":{\"content\":\"One, \"}")
                .contains("{\"content\":\"two\"}");
    }

    @Test
    void divergenceIsToldAndTheAnswerGoesOn() throws Exception {
        var response = send(CHAT, "{" + HELLO + ", 'stream': true}");
        Submitted sent = generations.take();
        sent.token(0, 1, "a").diverged(0, "position 1 was 5, is 6").token(0, 2, "b");
        sent.last(0, 3, "c", FinishReason.STOP, null).end(5, 3);

        assertThat(wait(response).body().lines().filter(line -> line.contains("replay_diverged")))
                .singleElement()
                .asString()
                .contains("\"content\":\"b\"")
                .contains("\"replay_diverged\":\"position 1 was 5, is 6\"");

        var whole = send(CHAT, "{" + HELLO + "}");
        generations.take().diverged(0, "it differs").answer("a");
        assertThat(json(wait(whole)).findValue("replay_diverged").asText()).isEqualTo("it differs");
    }

    @Test
    void operatorMayChangeTheStyleOfAnswers() throws Exception {
        server.close();
        start(config(new AnswerStyle("bot", true, true, true)));
        var response = send(CHAT, "{" + HELLO + ", 'stream': true, 'logprobs': true}");
        Submitted sent = generations.take();
        sent.scored(0, new TokenLogprob(12, "x", -1f, 1)).last(0, 13, "y", FinishReason.STOP, null);
        sent.end(5, 2);

        assertThat(wait(response).body())
                .contains("\"role\":\"bot\"")
                .contains("token_id:12")
                .contains("\"usage\":{\"prompt_tokens\":5,\"total_tokens\":7,\"completion_tokens\":2,"
                        + "\"prompt_tokens_details\":{\"cached_tokens\":3}}");
    }
}

package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.gateway.http.FakeGenerations.Submitted;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.TokenLogprob;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CompletionsTest extends HttpTest {

    private static final String COMPLETIONS = "/v1/completions";

    @BeforeEach
    void start() throws IOException {
        start(config());
    }

    @Test
    void streamHasTheBytesOfVllmsChunks() throws Exception {
        var response =
                send(COMPLETIONS, "{'prompt': 'Once', 'stream': true, 'stream_options': {'include_usage': true}}");
        Submitted sent = generations.take();
        assertThat(sent.request.getPrompt()).isEqualTo("Once");
        assertThat(sent.requestId()).startsWith("cmpl-abc-0-");
        sent.token(0, 11, " upon").last(0, 12, " a", FinishReason.LENGTH, null).end(1, 2);

        String head = "data: {\"id\":\"cmpl-abc\",\"object\":\"text_completion\",\"created\":0,"
                + "\"model\":\"demo-vl\",\"choices\":[";
        assertThat(wait(response).body().replaceAll("\"created\":\\d+", "\"created\":0"))
                .isEqualTo(head
                        + "{\"index\":0,\"text\":\" upon\",\"logprobs\":null,\"finish_reason\":null,"
                        + "\"stop_reason\":null,\"prompt_token_ids\":null,\"token_ids\":null}],\"usage\":null}\n\n"
                        + head
                        + "{\"index\":0,\"text\":\" a\",\"logprobs\":null,\"finish_reason\":\"length\","
                        + "\"stop_reason\":null,\"prompt_token_ids\":null,\"token_ids\":null}],\"usage\":null}\n\n"
                        + head
                        + "],\"usage\":{\"prompt_tokens\":1,\"total_tokens\":3,\"completion_tokens\":2}}\n\n"
                        + "data: [DONE]\n\n");
    }

    @Test
    void wholeAnswerHasTheBytesOfVllmsResponse() throws Exception {
        var response = send(COMPLETIONS, "{'prompt': [5, 6, 7]}");
        Submitted sent = generations.take();
        assertThat(sent.request.getPromptTokenIds()).containsExactly(5, 6, 7);
        sent.answer("a", "b");

        assertThat(wait(response).body().replaceAll("\"created\":\\d+", "\"created\":0"))
                .isEqualTo("{\"id\":\"cmpl-abc\",\"object\":\"text_completion\",\"created\":0,\"model\":\"demo-vl\","
                        + "\"choices\":[{\"index\":0,\"text\":\"ab\",\"logprobs\":null,\"finish_reason\":\"stop\","
                        + "\"stop_reason\":null,\"token_ids\":null,\"prompt_logprobs\":null,"
                        + "\"prompt_token_ids\":null}],\"service_tier\":null,\"system_fingerprint\":null,"
                        + "\"usage\":{\"prompt_tokens\":5,\"total_tokens\":7,\"completion_tokens\":2,"
                        + "\"prompt_tokens_details\":null},\"kv_transfer_params\":null}");
    }

    @Test
    void severalPromptsAreRequestsOfTheirOwn() throws Exception {
        var response = send(COMPLETIONS, "{'prompt': ['one', 'two'], 'n': 2, 'max_tokens': 4}");
        Submitted one = generations.take();
        Submitted two = generations.take();
        assertThat(one.request.getPrompt()).isEqualTo("one");
        assertThat(two.request.getPrompt()).isEqualTo("two");
        assertThat(two.request.getSampling()).isEqualTo(one.request.getSampling());
        assertThat(two.requestId()).startsWith("cmpl-abc-1-");
        two.last(1, 1, "d", FinishReason.STOP, null).last(0, 1, "c", FinishReason.STOP, null);
        two.end(7, 2);
        one.last(0, 1, "a", FinishReason.STOP, null).last(1, 1, "b", FinishReason.STOP, null);
        one.end(5, 2);

        JsonNode answer = json(wait(response));
        assertThat(answer.path("choices").findValuesAsText("text")).containsExactly("a", "b", "c", "d");
        assertThat(answer.path("choices").findValuesAsText("index")).containsExactly("0", "1", "2", "3");
        assertThat(answer.path("usage").path("prompt_tokens").intValue()).isEqualTo(12);
        assertThat(answer.path("usage").path("completion_tokens").intValue()).isEqualTo(4);
    }

    @Test
    void promptsMayBeListsOfIds() throws Exception {
        send(COMPLETIONS, "{'prompt': [[1, 2], [3]]}");
        assertThat(generations.take().request.getPromptTokenIds()).containsExactly(1, 2);
        Submitted second = generations.take();
        assertThat(second.request.getPromptTokenIds()).containsExactly(3);
        assertThat(second.request.getPrompt()).isNull();
    }

    @Test
    void whatTheOtherEndpointTakesIsPassedOver() throws Exception {
        String both = "{'prompt': 'x', 'prompt_token_ids': [1], 'messages': [{'role': 'user', 'content': 'y'}]}";
        send(COMPLETIONS, both);
        var completion = generations.take().request;
        assertThat(completion.getPrompt()).isEqualTo("x");
        assertThat(completion.getMessages()).isNull();
        send("/v1/chat/completions", both);
        var chat = generations.take().request;
        assertThat(chat.getMessages()).hasSize(1);
        assertThat(chat.getPrompt()).isNull();
    }

    @Test
    void promptsTokensAreToldWithEachAnswer() throws Exception {
        String body = "{'prompt': [[1, 2], [3]], 'return_token_ids': true, 'stream': %s}";
        var whole = send(COMPLETIONS, body.formatted(false));
        generations.take().answer("a");
        generations.take().answer("b");
        JsonNode choices = json(wait(whole)).path("choices");
        assertThat(choices.path(0).path("prompt_token_ids").toString()).isEqualTo("[1,2]");
        assertThat(choices.path(1).path("prompt_token_ids").toString()).isEqualTo("[3]");

        var stream = send(COMPLETIONS, body.formatted(true));
        generations.take().answer("a", "b");
        generations.take().answer("c", "d");
        assertThat(wait(stream).body())
                .containsOnlyOnce("\"prompt_token_ids\":[1,2]")
                .containsOnlyOnce("\"prompt_token_ids\":[3]");
    }

    @Test
    void onePromptThatIsRefusedEndsTheOthers() throws Exception {
        var response = send(COMPLETIONS, "{'prompt': ['one', 'two']}");
        Submitted one = generations.take();
        generations.take().error("invalid_request_error", "too long", "prompt");

        assertThat(wait(response).statusCode()).isEqualTo(400);
        one.awaitCancel();
    }

    @Test
    void logprobsAreFourLists() throws Exception {
        String body = "{'prompt': 'x', 'logprobs': 1, 'stream': %s}";
        var whole = send(COMPLETIONS, body.formatted(false));
        score(generations.take());
        assertThat(json(wait(whole)).findValue("logprobs").toString())
                .isEqualTo("{\"text_offset\":[0,2],\"token_logprobs\":[-1.5,-0.5],\"tokens\":[\"a😀\",\"b\"],"
                        + "\"top_logprobs\":[{\"a😀\":-1.5,\"c\":-0.25},{\"b\":-0.5}]}");

        var stream = send(COMPLETIONS, body.formatted(true));
        score(generations.take());
        assertThat(wait(stream).body())
                .contains("\"logprobs\":{\"text_offset\":[0],")
                .contains("\"logprobs\":{\"text_offset\":[2],");
    }

    private static void score(Submitted sent) {
        TokenLogprob first = new TokenLogprob(1, "a😀", -1.5f, 2);
        TokenLogprob second = new TokenLogprob(2, "b", -0.5f, 1);
        sent.scored(0, first, new TokenLogprob(3, "c", -0.25f, 1), first);
        sent.scored(0, second, second);
        sent.last(0, 4, "", FinishReason.STOP, null).end(1, 3);
    }

    @Test
    void promptIsEchoedBeforeEachAnswer() throws Exception {
        String body = "{'prompt': 'Once upon', 'echo': true, 'n': 2, 'logprobs': 0, 'stream': %s}";
        var whole = send(COMPLETIONS, body.formatted(false));
        Submitted sent = generations.take();
        assertThat(sent.request.getSampling().getEcho()).isTrue();
        echo(sent);
        JsonNode choices = json(wait(whole)).path("choices");
        assertThat(choices.findValuesAsText("text")).containsExactly("Once upon a", "Once upon b");
        String first = TOKENIZER.decode(new int[] {TOKENIZER.encode("Once upon")[0]}, false);
        assertThat(choices.path(0).path("logprobs").path("tokens").path(0).asText())
                .isEqualTo(first);
        assertThat(choices.path(0).path("logprobs").path("token_logprobs").toString())
                .isEqualTo("[null,-2.5,-1.0]");
        assertThat(choices.path(1).path("logprobs").path("tokens").path(2).asText())
                .isEqualTo(" b");

        var stream = send(COMPLETIONS, body.formatted(true));
        echo(generations.take());
        assertThat(wait(stream).body())
                .contains("\"text\":\"Once upon a\"")
                .contains("\"text\":\"Once upon b\"")
                .contains("\"token_logprobs\":[null,-2.5,-1.0]");
    }

    @Test
    void anEchoOfNoTokensIsThePromptAlone() throws Exception {
        String body = "{'prompt': 'Once upon', 'echo': true, 'n': 2, 'logprobs': 0, 'max_tokens': 0, 'stream': %s}";
        var whole = send(COMPLETIONS, body.formatted(false));
        Submitted sent = generations.take();
        assertThat(sent.request.getSampling().getMaxTokens()).isEqualTo(1);
        echo(sent);
        for (JsonNode choice : json(wait(whole)).path("choices")) {
            assertThat(choice.path("text").asText()).isEqualTo("Once upon");
            assertThat(choice.path("logprobs").path("token_logprobs").toString())
                    .isEqualTo("[null,-2.5]");
            assertThat(choice.path("finish_reason").asText()).isEqualTo("length");
        }

        var stream = send(COMPLETIONS, body.formatted(true));
        echo(generations.take());
        assertThat(wait(stream).body())
                .contains("\"index\":0,\"text\":\"Once upon\"")
                .contains("\"index\":1,\"text\":\"Once upon\"")
                .contains("\"token_logprobs\":[null,-2.5]")
                .doesNotContain("-1.0");

        send(COMPLETIONS, "{'prompt': 'Once upon', 'max_tokens': 0}");
        assertThat(generations.take().request.getSampling().getMaxTokens())
                .as("refused by the job")
                .isZero();
    }

    @Test
    void offsetsOfAStreamCountTheEchoedPrompt() throws Exception {
        var stream = send(COMPLETIONS, "{'prompt': [7], 'echo': true, 'logprobs': 0, 'stream': true}");
        Submitted sent = generations.take();
        sent.event(TokenEvent.newBuilder()
                .setRequestId(sent.requestId())
                .setPromptText("😀nce")
                .setEmittedAt(Instant.EPOCH)
                .build());
        sent.scored(0, new TokenLogprob(1, " a", -1f, 1)).scored(0, new TokenLogprob(2, " b", -1f, 1));
        sent.event(end(sent, 0)).end(1, 2);
        assertThat(wait(stream).body()).contains("\"text\":\"😀nce a\"").contains("\"text_offset\":[6],");
    }

    @Test
    void thePromptsOnlyTokenHasNoLogprobAndIsToldAllTheSame() throws Exception {
        var answer = send(COMPLETIONS, "{'prompt': [7], 'echo': true, 'logprobs': 0}");
        Submitted sent = generations.take();
        sent.event(TokenEvent.newBuilder()
                .setRequestId(sent.requestId())
                .setPromptText("Once")
                .setEmittedAt(Instant.EPOCH)
                .build());
        sent.scored(0, new TokenLogprob(1, " a", -1f, 1));
        sent.event(end(sent, 0)).end(1, 1);
        JsonNode choice = json(wait(answer)).path("choices").path(0);
        assertThat(choice.path("logprobs").path("token_logprobs").toString()).isEqualTo("[null,-1.0]");
        assertThat(choice.path("logprobs").path("tokens").path(0).asText())
                .isEqualTo(TOKENIZER.decode(new int[] {7}, false));
        assertThat(choice.path("prompt_logprobs").toString()).isEqualTo("[null]");
    }

    private static void echo(Submitted sent) {
        sent.event(TokenEvent.newBuilder()
                .setRequestId(sent.requestId())
                .setPromptText("Once ")
                .setPromptLogprobsStart(1)
                .setPromptLogprobs(List.of(new PositionLogprobs(new TokenLogprob(7, " upon", -2.5f, 4), List.of())))
                .setEmittedAt(Instant.EPOCH)
                .build());
        sent.event(TokenEvent.newBuilder()
                .setRequestId(sent.requestId())
                .setPromptText("upon")
                .setPromptTextStart(5)
                .setEmittedAt(Instant.EPOCH)
                .build());
        sent.scored(0, new TokenLogprob(1, " a", -1f, 1));
        sent.event(TokenEvent.newBuilder()
                .setRequestId(sent.requestId())
                .setChoice(1)
                .setPromptText("Once upon")
                .setEmittedAt(Instant.EPOCH)
                .build());
        sent.scored(1, new TokenLogprob(2, " b", -1f, 1));
        sent.event(end(sent, 0)).event(end(sent, 1)).end(2, 2);
    }

    private static TokenEvent end(Submitted sent, int choice) {
        return TokenEvent.newBuilder()
                .setRequestId(sent.requestId())
                .setChoice(choice)
                .setFirstPosition(1)
                .setFinishReason(FinishReason.LENGTH)
                .setEmittedAt(Instant.EPOCH)
                .build();
    }
}

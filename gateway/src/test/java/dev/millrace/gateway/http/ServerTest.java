package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.gateway.ServerStatus;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The endpoints beside the generating ones, who may call, and what is answered to what is not there. */
class ServerTest extends HttpTest {

    @Test
    void modelsAreThoseThatTheJobTells() throws Exception {
        start(config());
        JsonNode list = json(get("/v1/models"));
        assertThat(list.path("object").asText()).isEqualTo("list");
        assertThat(list.path("data").findValuesAsText("id")).contains("demo-vl", "other-name");
        JsonNode card = json(get("/v1/models/other-name"));
        assertThat(card.path("id").asText()).isEqualTo("other-name");
        assertThat(card.path("object").asText()).isEqualTo("model");
        assertThat(card.path("max_model_len").intValue()).isEqualTo(1024);
        assertThat(card.path("root").asText()).isEqualTo("/models/demo-vl");

        HttpResponse<String> absent = get("/v1/models/gpt-4");
        assertThat(absent.statusCode()).isEqualTo(404);
        assertThat(json(absent).path("error").path("type").asText()).isEqualTo("NotFoundError");
    }

    @Test
    void operatorsNamesGoBeforeTheJobs() throws Exception {
        start(config(List.of(), List.of("*"), List.of("Qwen/Qwen2.5-VL-7B-Instruct", "qwen", "q+v")));
        assertThat(json(get("/v1/models")).path("data")).hasSize(3);
        assertThat(json(get("/v1/models/Qwen%2FQwen2.5-VL-7B-Instruct"))
                        .path("id")
                        .asText())
                .isEqualTo("Qwen/Qwen2.5-VL-7B-Instruct");
        assertThat(get("/v1/models/Qwen/Qwen2.5-VL-7B-Instruct").statusCode()).isEqualTo(200);
        assertThat(get("/v1/models/q+v").statusCode()).isEqualTo(200);
        assertThat(get("/v1/models/q%2Bv").statusCode()).isEqualTo(200);

        var response = send("/v1/completions", "{'prompt': 'x', 'model': 'qwen'}");
        generations.take().answer("a");
        assertThat(json(wait(response)).path("model").asText()).isEqualTo("Qwen/Qwen2.5-VL-7B-Instruct");
    }

    @Test
    void anEmptyNameAsksForNoModel() throws Exception {
        start(config());
        var response = send("/v1/completions", "{'prompt': 'x', 'model': ''}");
        generations.take().answer("a");
        assertThat(json(wait(response)).path("model").asText()).isEqualTo("demo-vl");
    }

    @Test
    void aNameThatIsSpelledWronglyIsNoModels() throws Exception {
        start(config());
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
            socket.getOutputStream()
                    .write("GET /v1/models/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 404 Not Found")
                    .contains("The model `%zz` does not exist.");
        }
    }

    @Test
    void healthIsTheJobs() throws Exception {
        start(config());
        var ping = request("/ping").POST(BodyPublishers.noBody()).build();
        assertThat(get("/health").statusCode()).isEqualTo(200);
        assertThat(get("/ping").statusCode()).isEqualTo(200);
        assertThat(client.send(ping, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
        generations.status = new ServerStatus(List.of(), FakeGenerations.alive().latest());
        assertThat(get("/health").statusCode()).isEqualTo(503);
        assertThat(get("/ping").statusCode()).isEqualTo(503);
        assertThat(get("/v1/models").statusCode())
                .as("the model is known all the same")
                .isEqualTo(200);
    }

    @Test
    void versionAndLoadAreTold() throws Exception {
        start(config());
        assertThat(get("/version").body()).isEqualTo("{\"version\":\"1.2.3\"}");
        assertThat(get("/load").body()).isEqualTo("{\"server_load\":0}");
        var response = send("/v1/completions", "{'prompt': 'x'}");
        var sent = generations.take();
        assertThat(get("/load").body()).isEqualTo("{\"server_load\":1}");
        sent.answer("a");
        wait(response);
        assertThat(get("/load").body()).isEqualTo("{\"server_load\":0}");
    }

    @Test
    void metricsTellRequestsAndTheEngine() throws Exception {
        start(config());
        get("/health");
        get("/some-guess");
        get("/v1/models/demo-vl");
        var answer = send("/v1/completions", "{'prompt': 'x'}");
        generations.take().answer("a", "b", "c");
        assertThat(wait(answer).headers().firstValue("x-request-id")).contains("abc");
        HttpResponse<String> response = get("/metrics");
        assertThat(response.headers().firstValue("content-type")).contains(MetricsText.CONTENT_TYPE);
        assertThat(response.body().lines())
                .contains(
                        "# TYPE http_requests_total counter",
                        "http_requests_total{handler=\"/health\",method=\"GET\",status=\"2xx\"} 1.0",
                        "http_requests_total{handler=\"/v1/models/\",method=\"GET\",status=\"2xx\"} 1.0",
                        "http_requests_total{handler=\"none\",method=\"GET\",status=\"4xx\"} 1.0",
                        "http_request_duration_seconds_bucket{handler=\"/health\",method=\"GET\",le=\"+Inf\"} 1.0",
                        "http_request_duration_seconds_count{handler=\"/health\",method=\"GET\"} 1.0",
                        "vllm:time_to_first_token_seconds_count{model_name=\"demo-vl\"} 1.0",
                        "vllm:inter_token_latency_seconds_count{model_name=\"demo-vl\"} 2.0",
                        "vllm:e2e_request_latency_seconds_bucket{model_name=\"demo-vl\",le=\"7680.0\"} 1.0",
                        "vllm:request_success_total{model_name=\"demo-vl\",finished_reason=\"stop\"} 1.0",
                        "# TYPE vllm:num_requests_running gauge",
                        "vllm:num_requests_running{engine=\"0\",model_name=\"demo-vl\"} 2.0",
                        "vllm:num_requests_waiting{engine=\"0\",model_name=\"demo-vl\"} 1.0",
                        "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"demo-vl\"} 0.25",
                        "# TYPE vllm:prompt_tokens_total counter",
                        "vllm:prompt_tokens_total{engine=\"0\",model_name=\"demo-vl\"} 77.0");
    }

    @Test
    void textIsTokenizedAndBack() throws Exception {
        start(config());
        String text = "A red square, 你好<|im_end|>";
        JsonNode tokens = json(wait(send("/tokenize", "{'prompt': '" + text + "', 'return_token_strs': true}")));
        int[] expected = TOKENIZER.encode(text);
        assertThat(tokens.path("count").intValue()).isEqualTo(expected.length);
        assertThat(tokens.path("max_model_len").intValue()).isEqualTo(1024);
        assertThat(tokens.path("tokens")).extracting(JsonNode::intValue).containsExactly(boxed(expected));
        assertThat(tokens.path("token_strs")).extracting(JsonNode::asText).contains("Ġred", "<|im_end|>");

        JsonNode back = json(wait(send("/detokenize", "{'tokens': " + tokens.path("tokens") + "}")));
        assertThat(back.toString()).isEqualTo("{\"prompt\":\"" + text + "\"}");
    }

    @Test
    void conversationIsTokenizedAsItsTemplateRendersIt() throws Exception {
        start(config());
        JsonNode tokens = json(wait(send("/tokenize", "{'messages': [{'role': 'user', 'content': 'Hi'}]}")));
        int[] expected = TOKENIZER.encode("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
                + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
        assertThat(tokens.path("tokens")).extracting(JsonNode::intValue).containsExactly(boxed(expected));
        assertThat(tokens.path("token_strs").isNull()).isTrue();
    }

    private static Integer[] boxed(int[] ids) {
        return java.util.Arrays.stream(ids).boxed().toArray(Integer[]::new);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "/tokenize | {} | Field required",
                "/tokenize | {'prompt': 5} | a string",
                "/tokenize | {'prompt': 'x', 'model': 'gpt-4'} | does not exist",
                "/tokenize | {'messages': [{'role': 'user', 'content': 'x'}], 'continue_final_message': true} | Cannot set both",
                "/tokenize | {'messages': [{'role': 'user', 'content': [{'type': 'image_url', 'image_url': 'x'}]}]}"
                        + " | max_tokens 1",
                "/detokenize | {} | Field required",
                "/detokenize | {'tokens': ['x']} | an integer",
                "/detokenize | {'tokens': [-1]} | out of vocabulary",
                "/detokenize | {'tokens': [99999999]} | out of vocabulary",
            })
    void whatCannotBeTokenizedIsRefused(String path, String body, String message) throws Exception {
        start(config());
        HttpResponse<String> response = wait(send(path, body));
        assertThat(response.statusCode()).isBetween(400, 404);
        assertThat(json(response).path("error").path("message").asText()).contains(message);
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /nowhere, 404, Not Found",
        "GET, /, 404, Not Found",
        "GET, /v1/models/, 404, Not Found",
        "GET, /v1/chat/completions, 405, Method Not Allowed",
        "DELETE, /v1/models, 405, Method Not Allowed",
        "POST, /health, 405, Method Not Allowed",
        "BREW, /metrics, 405, Method Not Allowed",
    })
    void whatIsNotThereIsToldInOpenAisShape(String method, String path, int status, String type) throws Exception {
        start(config());
        HttpResponse<String> response = client.send(
                request(path).method(method, BodyPublishers.noBody()).build(), BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(response.body())
                .isEqualTo("{\"error\":{\"message\":\"" + type + "\",\"type\":\"" + type + "\",\"param\":null,\"code\":"
                        + status + "}}");
        assertThat(response.headers().firstValue("allow").isPresent()).isEqualTo(status == 405);
    }

    @Test
    void headTellsWhatGetWould() throws Exception {
        start(config());
        var head = request("/v1/models").method("HEAD", BodyPublishers.noBody()).build();
        HttpResponse<String> response = client.send(head, BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type")).contains("application/json");
        assertThat(response.body()).isEmpty();
        assertThat(get("/version").statusCode()).as("on the same connection").isEqualTo(200);

        var options =
                request("/v1/models").method("OPTIONS", BodyPublishers.noBody()).build();
        assertThat(client.send(options, BodyHandlers.ofString()).headers().firstValue("allow"))
                .contains("GET, HEAD, OPTIONS");
    }

    @ParameterizedTest
    @CsvSource(
            value = {
                "Bearer first-key, 200",
                "bearer second-key, 200",
                "Bearer first-ke, 401",
                "Bearer first-key2, 401",
                "Bearer  first-key, 401",
                "Bearer, 401",
                "Basic first-key, 401",
                "first-key, 401",
                "'', 401",
                "NIL, 401",
            },
            nullValues = "NIL")
    void keyOpensWhatIsUnderV1(String authorization, int status) throws Exception {
        start(config(List.of("first-key", "second-key"), List.of("*"), List.of()));
        var models = request("/v1/models");
        if (authorization != null) {
            models.header("Authorization", authorization);
        }
        HttpResponse<String> response = client.send(models.build(), BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(status);
        if (status == 401) {
            assertThat(response.body()).contains("\"message\":\"Unauthorized\"").contains("\"code\":401");
        }
        assertThat(get("/health").statusCode()).isEqualTo(200);
        assertThat(get("/metrics").statusCode()).isEqualTo(200);
    }

    @Test
    void keyMayComeFromTheEnvironment() {
        Map<String, String> environment = Map.of("MILLRACE_API_KEY", "k");
        assertThat(GatewayConfig.apiKeys(List.of(), environment)).containsExactly("k");
        assertThat(GatewayConfig.apiKeys(List.of("given"), environment)).containsExactly("given");
        assertThat(GatewayConfig.apiKeys(List.of(), Map.of())).isEmpty();
        assertThatThrownBy(() -> config(List.of(" "), List.of("*"), List.of()))
                .hasMessageContaining("api-key must not be empty");
    }

    @Test
    void sizeOfBodiesHasBounds() {
        GatewayConfig.Limits large = GatewayConfig.Limits.DEFAULT.withMaxBodyBytes(1 << 30);
        assertThat(large.maxBodyBytes()).isEqualTo(1 << 30);
        assertThat(large.maxBodyBytesTogether()).isEqualTo(1 << 30);
        for (long size : new long[] {0, (1L << 30) + 1, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> GatewayConfig.Limits.DEFAULT.withMaxBodyBytes(size))
                    .hasMessage("max-body-size must be between 1 and 1073741824 bytes (1GiB), got " + size);
        }
    }

    @Test
    void pagesMayCall() throws Exception {
        start(config(List.of("key"), List.of("*"), List.of()));
        HttpResponse<String> preflight = preflight("https://page.example");
        assertThat(preflight.statusCode()).as("without a key").isEqualTo(200);
        assertThat(preflight.body()).isEqualTo("OK");
        assertThat(preflight.headers().firstValue("access-control-allow-origin"))
                .contains("*");
        assertThat(preflight.headers().firstValue("access-control-allow-headers"))
                .contains("authorization");
        var health = request("/health").header("Origin", "https://page.example").build();
        assertThat(client.send(health, BodyHandlers.ofString()).headers().firstValue("access-control-allow-origin"))
                .contains("*");
    }

    @Test
    void onlyAllowedPagesMayCall() throws Exception {
        start(config(List.of(), List.of("https://mine.example"), List.of()));
        assertThat(preflight("https://page.example").statusCode()).isEqualTo(400);
        var other = request("/health").header("Origin", "https://page.example").build();
        assertThat(client.send(other, BodyHandlers.ofString()).headers().firstValue("access-control-allow-origin"))
                .isEmpty();
        HttpResponse<String> mine = preflight("https://mine.example");
        assertThat(mine.headers().firstValue("access-control-allow-origin")).contains("https://mine.example");
        assertThat(mine.headers().firstValue("vary")).contains("Origin");
    }

    private HttpResponse<String> preflight(String origin) throws IOException, InterruptedException {
        return client.send(
                request("/v1/chat/completions")
                        .method("OPTIONS", BodyPublishers.noBody())
                        .header("Origin", origin)
                        .header("Access-Control-Request-Method", "POST")
                        .header("Access-Control-Request-Headers", "authorization")
                        .build(),
                BodyHandlers.ofString());
    }

    @ParameterizedTest
    @CsvSource({
        "/llm, /llm/v1/models, 200",
        "/llm, /v1/models, 200",
        "/llm/, /llm/v1/models/demo-vl, 200",
        "llm/a, /llm/a/v1/models/demo-vl, 200",
        "/llm, /llm, 404",
        "/llm, /llm/, 404",
        "/llm, /llmv1/models, 404",
        "/llm, /other/v1/models, 404",
        "/llm, /llm/llm/v1/models, 404",
        "/v1, /v1/models, 404",
        "/v1, /v1/v1/models, 200",
        "/, /v1/models, 200",
        "/v, /v1/models, 200",
    })
    void pathsAreAnsweredWithWhatAProxyHasBeforeThemAndWithout(String root, String path, int status) throws Exception {
        start(behind(root, List.of()));
        assertThat(get(path).statusCode()).isEqualTo(status);
    }

    @Test
    void keyOpensWhatIsUnderV1BehindAProxyToo() throws Exception {
        start(behind("/llm", List.of("key")));
        for (String path : new String[] {"/v1/models", "/llm/v1/models", "/llm/v1/nothing"}) {
            assertThat(get(path).statusCode()).isEqualTo(401);
        }
        assertThat(get("/llm/health").statusCode()).isEqualTo(200);
        assertThat(get("/metrics").body())
                .contains("http_requests_total{handler=\"/v1/models\",method=\"GET\",status=\"4xx\"} 2.0")
                .contains("http_requests_total{handler=\"/health\",method=\"GET\",status=\"2xx\"} 1.0");
    }

    private static GatewayConfig behind(String root, List<String> keys) {
        GatewayConfig base = config(keys, List.of("*"), List.of());
        return on(base.listener(), new RootPath(root), base);
    }

    @Test
    void portThatIsTakenIsSaid() throws Exception {
        start(config());
        GatewayConfig same = new GatewayConfig(
                Listener.at("127.0.0.1", server.port()),
                RootPath.NONE,
                List.of(),
                List.of(),
                List.of("*"),
                config().answers(),
                config().limits(),
                config().shutdownTimeout(),
                "1",
                false);
        assertThatThrownBy(() -> GatewayServer.start(same, generations, TOKENIZER, CHATS))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot listen on 127.0.0.1, port " + server.port());
    }
}

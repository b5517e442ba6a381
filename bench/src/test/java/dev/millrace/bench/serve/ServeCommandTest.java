package dev.millrace.bench.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.bench.serve.ScriptedServer.Call;
import dev.millrace.bench.serve.ScriptedServer.Reply;
import dev.millrace.bench.serve.ScriptedServer.Script;
import dev.millrace.model.directory.ModelDirectory;
import dev.millrace.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServeCommandTest extends ServeRuns {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Reply THREE_WORDS = Reply.completion(11, "a", " b", " c");

    @Test
    void theReportHasVllmsLinesInItsOrder() throws IOException {
        assertThat(bench(
                        call -> THREE_WORDS,
                        "--tokenizer",
                        DEMO,
                        "--num-prompts",
                        5,
                        "--max-concurrency",
                        2,
                        "--request-rate",
                        1000,
                        "--goodput",
                        "ttft:60000",
                        "e2el:60000",
                        "--percentile-metrics",
                        "ttft,tpot,itl,e2el",
                        "--metric-percentiles",
                        "50,99.9"))
                .isZero();

        String number = "[0-9]+\\.[0-9]{2} *\n";
        String latencies = Stream.of(
                        "-{15}Time to First Token-{16}\n|TTFT",
                        "-{5}Time per Output Token \\(excl. 1st token\\)-{6}\n|TPOT",
                        "-{16}Inter-token Latency-{15}\n|ITL",
                        "-{16}End-to-end Latency-{16}\n|E2EL")
                .map(each -> each.split("\\|"))
                .map(each -> each[0]
                        + Stream.of("Mean", "Median", "P50", "P99.9")
                                .map(name -> "%s %s \\(ms\\): +%s".formatted(name, each[1], number))
                                .reduce("", String::concat))
                .reduce("", String::concat)
                .replace("-{16}Inter-token Latency-{15}", "-{15}Inter-token Latency-{16}");
        assertThat(out.toString())
                .matches("(?s)Starting main benchmark run...\n"
                        + "============ Serving Benchmark Result ============\n"
                        + "Successful requests: +5 *\n"
                        + "Failed requests: +0 *\n"
                        + "Maximum request concurrency: +2 *\n"
                        + "Request rate configured \\(RPS\\): +1000.00 *\n"
                        + "Benchmark duration \\(s\\): +" + number
                        + "Total input tokens: +55 *\n"
                        + "Total generated tokens: +15 *\n"
                        + "Request throughput \\(req/s\\): +" + number
                        + "Request goodput \\(req/s\\): +" + number
                        + "Output token throughput \\(tok/s\\): +" + number
                        + "Peak output token throughput \\(tok/s\\): +" + number
                        + "Peak concurrent requests: +[12].00 *\n"
                        + "Total token throughput \\(tok/s\\): +" + number
                        + latencies
                        + "={50}\n");
    }

    @Test
    void completionsAreAskedForWithVllmsFields() throws IOException {
        List<Call> calls = new CopyOnWriteArrayList<>();
        assertThat(bench(
                        call -> {
                            calls.add(call);
                            return THREE_WORDS;
                        },
                        "--tokenizer",
                        DEMO,
                        "--num-prompts",
                        1,
                        "--num-warmups",
                        2,
                        "--random-input-len",
                        12,
                        "--random-output-len",
                        34,
                        "--temperature",
                        0,
                        "--extra-body",
                        "{\"seed\": 5}",
                        "--header",
                        "x-team=red",
                        "--request-id-prefix",
                        "run-"))
                .isZero();

        assertThat(calls).hasSize(3).allSatisfy(call -> {
            assertThat(call.path()).isEqualTo("/v1/completions");
            assertThat(call.headers().getFirst("x-team")).isEqualTo("red");
            assertThat(call.headers().getFirst("x-request-id")).isEqualTo("run-0");
        });
        JsonNode body = calls.get(2).body();
        assertThat(body.path("model").asText()).isEqualTo("served");
        assertThat(body.path("max_tokens").asInt()).isEqualTo(34);
        assertThat(body.path("ignore_eos").asBoolean()).isTrue();
        assertThat(body.path("stream").asBoolean()).isTrue();
        assertThat(body.path("stream_options").path("include_usage").asBoolean())
                .isTrue();
        assertThat(body.path("temperature").asDouble(1)).isZero();
        assertThat(body.path("seed").asInt()).isEqualTo(5);
        assertThat(body.has("top_p")).isFalse();
        Tokenizer tokenizer = new ModelDirectory(DEMO).tokenizer();
        assertThat(tokenizer.encodeText(body.path("prompt").asText())).hasSize(12);
    }

    @Test
    void theSameSeedAsksTheSame() throws IOException {
        List<String> prompts = new ArrayList<>();
        Script script = call -> {
            prompts.add(call.body().path("prompt").asText() + call.body().path("max_tokens"));
            return THREE_WORDS;
        };
        for (int seed : new int[] {3, 3, 4}) {
            bench(
                    script,
                    "--tokenizer",
                    DEMO,
                    "--num-prompts",
                    1,
                    "--seed",
                    seed,
                    "--random-input-len",
                    50,
                    "--random-range-ratio",
                    0.5);
        }

        assertThat(prompts.get(0)).isEqualTo(prompts.get(1)).isNotEqualTo(prompts.get(2));
    }

    @Test
    void noMoreThanTheAllowedRunAtATimeAndAsManyDo() throws IOException {
        var four = new CyclicBarrier(4);
        try (var server = new ScriptedServer(call -> {
            four.await(5, TimeUnit.MINUTES); // fails unless four are here at once
            return THREE_WORDS;
        })) {
            assertThat(bench(server, "--tokenizer", DEMO, "--num-prompts", 12, "--max-concurrency", 4))
                    .isZero();
            assertThat(out.toString()).containsPattern("Successful requests: +12 ");
            assertThat(server.mostRunning()).isEqualTo(4);
        }
    }

    @Test
    void eachFailureIsCountedAndTold() throws IOException {
        var number = new AtomicInteger();
        List<Reply> replies = List.of(
                THREE_WORDS,
                new Reply(429, "{\"error\": {\"message\": \"too many requests\", \"code\": 429}}"),
                new Reply(502, "<html>bad gateway</html>"),
                new Reply(200, "data: {\"id\":\"a\",\"choices\":[{\"text\":\"cut\"}]}\n\n"));

        assertThat(bench(
                        call -> replies.get(number.getAndIncrement()),
                        "--tokenizer",
                        DEMO,
                        "--num-prompts",
                        4,
                        "--max-concurrency",
                        1))
                .isZero();

        assertThat(out.toString())
                .contains("Failed requests during benchmark run detected (capping to 10):")
                .contains("Error 0: HTTP 429: too many requests")
                .contains("Error 1: HTTP 502: <html>bad gateway</html>")
                .contains("Error 2: the stream ended before [DONE]")
                .containsPattern("Successful requests: +1 ")
                .containsPattern("Failed requests: +3 ");
    }

    @Test
    void whereNoServerIsEveryRequestFailsAndTheExitCodeSaysSo() {
        assertThat(run("--base-url", "http://127.0.0.1:1", "--model", DEMO, "--num-prompts", 2, "--disable-tqdm"))
                .isEqualTo(1);
        assertThat(out.toString()).containsPattern("Successful requests: +0 ").containsPattern("Error 0: \\w+");
    }

    @Test
    void aServerThatIsNotReadyInTimeEndsTheRun() throws IOException {
        assertThat(bench(
                        call -> new Reply(503, "starting"),
                        "--tokenizer",
                        DEMO,
                        "--num-prompts",
                        1,
                        "--ready-check-timeout-sec",
                        1))
                .isEqualTo(1);
        assertThat(err.toString()).contains("did not answer the first request in 1 seconds: HTTP 503: starting");
    }

    @Test
    void answersThatAreNotThoseOfAnEarlierRunHaveFailed() throws IOException {
        Path earlier = folder.resolve("earlier.json");
        var changed = new AtomicInteger();
        Script echo = call -> {
            String prompt = call.body().path("prompt").asText();
            boolean wrong = call.headers().getFirst("x-request-id").equals("r-2") && changed.get() > 0;
            return Reply.completion(1, Integer.toString(prompt.hashCode()), wrong ? "!" : ".");
        };
        List<Object> flags = new ArrayList<>(List.of(
                "--tokenizer",
                DEMO,
                "--num-prompts",
                4,
                "--request-id-prefix",
                "r-",
                "--save-result",
                "--save-detailed"));

        bench(
                echo,
                Stream.concat(flags.stream(), Stream.of("--result-filename", earlier))
                        .toArray());
        flags.addAll(List.of("--result-filename", folder.resolve("later.json"), "--reference-result", earlier));
        bench(echo, flags.toArray());
        assertThat(out.toString()).doesNotContain("Error");
        changed.set(1);
        bench(echo, flags.toArray());

        assertThat(out.toString())
                .containsPattern("Successful requests: +3 ")
                .containsPattern("Error 0: the answer is \"-?\\d+!\"; expected is \"-?\\d+\\.\"");
        flags.set(3, 5);
        assertThat(bench(echo, flags.toArray())).isEqualTo(1);
        assertThat(err.toString()).contains("--reference-result").contains("4 generated_texts for 5 requests");
    }

    @Test
    void resultsHaveVllmsNames() throws IOException {
        assertThat(bench(
                        call -> THREE_WORDS,
                        "--tokenizer",
                        DEMO,
                        "--model",
                        "models/some",
                        "--num-prompts",
                        2,
                        "--save-result",
                        "--save-detailed",
                        "--result-dir",
                        folder.resolve("results"),
                        "--label",
                        "night",
                        "--metadata",
                        "version=1",
                        "tp=2"))
                .isZero();

        try (Stream<Path> files = Files.list(folder.resolve("results"))) {
            Path file = files.findFirst().orElseThrow();
            assertThat(file.getFileName().toString()).matches("night-infqps-some-\\d{8}-\\d{6}\\.json");
            JsonNode result = JSON.readTree(file.toFile());
            assertThat(result.fieldNames())
                    .toIterable()
                    .containsExactlyInAnyOrder(
                            ("date endpoint_type backend label model_id tokenizer_id num_prompts version tp request_rate"
                                            + " burstiness max_concurrency duration completed failed total_input_tokens"
                                            + " total_output_tokens request_throughput request_goodput output_throughput"
                                            + " total_token_throughput input_lens output_lens ttfts itls latencies"
                                            + " start_times queue_times generated_texts errors max_output_tokens_per_s"
                                            + " max_concurrent_requests mean_ttft_ms median_ttft_ms std_ttft_ms p99_ttft_ms"
                                            + " mean_tpot_ms median_tpot_ms std_tpot_ms p99_tpot_ms mean_itl_ms median_itl_ms"
                                            + " std_itl_ms p99_itl_ms")
                                    .split(" "));
            assertThat(result.path("request_rate").asText()).isEqualTo("inf");
            assertThat(result.path("generated_texts").path(1).asText()).isEqualTo("a b c");
            assertThat(result.path("itls").path(0)).hasSize(2);
            assertThat(result.path("tp").asText()).isEqualTo("2");
        }
    }

    @Test
    void withoutDetailsRequestsAreNotToldOfAndRunsAreAddedAsLines() throws IOException {
        for (int i = 0; i < 2; i++) {
            bench(
                    call -> THREE_WORDS,
                    "--tokenizer",
                    DEMO,
                    "--num-prompts",
                    1,
                    "--append-result",
                    "--result-dir",
                    folder,
                    "--result-filename",
                    "runs.jsonl");
        }

        List<String> lines = Files.readAllLines(folder.resolve("runs.jsonl"));
        assertThat(lines).hasSize(2);
        assertThat(JSON.readTree(lines.get(1)).has("ttfts")).isFalse();
        assertThat(JSON.readTree(lines.get(1)).path("completed").asInt()).isEqualTo(1);
    }

    @Test
    void progressIsShownUnlessItIsNotWanted() throws IOException {
        try (var server = new ScriptedServer(call -> THREE_WORDS)) {
            assertThat(run("--base-url", server.url(), "--tokenizer", DEMO, "--num-prompts", 3))
                    .isZero();
            assertThat(err.toString()).contains("Requests 100%").contains("3/3");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--backend|tgi|openai-chat",
                "--dataset-name|sharegpt|random, random-mm, custom",
                "--request-rate|0|above 0",
                "--burstiness|-1|above 0",
                "--max-concurrency|0|whole number from 1",
                "--random-range-ratio|1.5|from 0 to 1",
                "--percentile-metrics|ttft,speed|e2el",
                "--metric-percentiles|101|from 0 to 100",
                "--goodput|itl:5|ttft, tpot, e2el",
                "--header|plain|KEY=VALUE",
                "--endpoint|/v1/embeddings|completions",
                "--endpoint|/v1/chat/completions|--backend openai",
                "--extra-body|[1]|JSON object",
                "--dataset-path|/tmp/x.jsonl|custom",
                "--random-input-len|0|whole number from 1",
            })
    void aBadFlagIsNamedWithItsValueAndWhatIsAllowed(String flag, String value, String allowed) {
        assertThat(run("--base-url", "http://127.0.0.1:1", "--model", DEMO, "--num-prompts", 1, flag, value))
                .isNotZero();
        assertThat(err.toString())
                .contains(flag)
                .contains(value.replaceFirst(".*,", ""))
                .contains(allowed);
    }
}

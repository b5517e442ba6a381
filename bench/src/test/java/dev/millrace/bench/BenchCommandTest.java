package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.job.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class BenchCommandTest {

    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    private static final String NUMBER = "[0-9.E-]+";

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void latencyIsToldInVllmsWordsAndAsJson() throws IOException {
        Path json = folder.resolve("latency.json");

        assertThat(bench(
                        "latency",
                        "--model",
                        golden(),
                        "--input-len",
                        "20",
                        "--output-len",
                        "9",
                        "--batch-size",
                        "3",
                        "--num-iters",
                        "4",
                        "--num-iters-warmup",
                        "1",
                        "--json",
                        json.toString()))
                .isZero();

        assertThat(out.toString())
                .containsPattern("Avg latency: " + NUMBER + " seconds")
                .containsPattern("10% percentile latency: " + NUMBER + " seconds")
                .containsPattern("99% percentile latency: " + NUMBER + " seconds")
                .containsPattern("Decode: [0-9.]+ tokens/s .*, [0-9.]+ GFLOP/s")
                .containsPattern("Ceiling: [0-9.]+ GFLOP/s, .*decode reached \\d+% of it");
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        assertThat(figures.get("latencies")).hasSize(4);
        assertThat(figures.get("percentiles").fieldNames())
                .toIterable()
                .containsExactly("10", "25", "50", "75", "90", "99");
        assertThat(figures.get("avg_latency").doubleValue()).isPositive();
        assertThat(figures.get("decode_tokens_per_second").doubleValue()).isPositive();
    }

    @Test
    void acceptanceTellsWhatCameOfDraftsAndThatAnswersStayTheSame() throws IOException {
        Path json = folder.resolve("acceptance.json");
        String draft = ROOT.resolve("models/demo-draft").toString();

        assertThat(bench(
                        "acceptance",
                        "--model",
                        ROOT.resolve("models/demo-vl").toString(),
                        "--speculative-config",
                        "{\"model\": \"%s\", \"num_speculative_tokens\": 3}".formatted(draft),
                        "--num-prompts",
                        "10",
                        "--batch-size",
                        "5",
                        "--json",
                        json.toString()))
                .isZero();

        assertThat(out.toString())
                .containsPattern("Accepted: \\d+ of \\d+ drafts, [0-9.]+ %; [0-9.]+ tokens a step with drafts")
                .containsPattern("Decode of an answer: \\d+ tokens/s, without drafts \\d+")
                .contains("Every answer is the same.");
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        assertThat(figures.get("acceptance_rate").doubleValue()).isBetween(0.1, 0.9);
        assertThat(figures.get("acceptance_length").doubleValue()).isBetween(1.2, 4.0);
    }

    @Test
    void throughputCountsPromptAndOutputTokensPicturesIncluded() throws IOException {
        Path json = folder.resolve("throughput.json");

        assertThat(bench(
                        "throughput",
                        "--model",
                        golden(),
                        "--load-format",
                        "dummy",
                        "--input-len",
                        "10",
                        "--output-len",
                        "7",
                        "--num-prompts",
                        "5",
                        "--num-warmups",
                        "1",
                        "--images",
                        "56x84",
                        "112x112",
                        "--json",
                        json.toString()))
                .isZero();

        // 10 of text, and for 56x84 and 112x112 pixels 6 and 16 of the picture between two markers each
        assertThat(out.toString())
                .containsPattern("Throughput: [0-9.]+ requests/s, [0-9.]+ total tokens/s, [0-9.]+ output tokens/s")
                .contains("Total num prompt tokens:  " + 5 * (10 + 6 + 2 + 16 + 2))
                .contains("Total num output tokens:  " + 5 * 7);
        assertThat(new ObjectMapper()
                        .readTree(json.toFile())
                        .get("num_requests")
                        .intValue())
                .isEqualTo(5);
    }

    @Test
    void picturesAreCountedBySecondsOfTheTowerAlone() {
        assertThat(bench(
                        "vision",
                        "--model",
                        golden(),
                        "--images",
                        "56x84",
                        "56x56",
                        "--batch-size",
                        "3",
                        "--num-iters",
                        "2",
                        "--num-iters-warmup",
                        "1"))
                .isZero();
        assertThat(out.toString()).containsPattern("Vision: [0-9.]+ images/s, 6 of \\[56x84, 56x56\\] in [0-9.]+ s");

        assertThat(bench("vision", "--model", golden())).isEqualTo(2);
        assertThat(err.toString()).contains("--images is missing");
    }

    @Test
    void tokensAreTimedWhileAPromptWithAPictureComes() throws IOException {
        Path json = folder.resolve("interference.json");

        assertThat(bench(
                        "interference",
                        "--model",
                        golden(),
                        "--images",
                        "224x224",
                        "--batch-size",
                        "3",
                        "--num-iters",
                        "1",
                        "--input-len",
                        "4",
                        "--output-len",
                        "64",
                        "--json",
                        json.toString()))
                .isZero();

        assertThat(out.toString()).containsPattern("Inter-token: median [0-9.]+ ms before; while");
        assertThat(new ObjectMapper()
                        .readTree(json.toFile())
                        .get("median_inter_token")
                        .doubleValue())
                .isPositive();
    }

    @Test
    void stepsWithDraftsAreTimedWhereNoneAndWhereAllAreAccepted() throws IOException {
        Path json = folder.resolve("speculation.json");

        assertThat(bench(
                        "speculation",
                        "--model",
                        golden(),
                        "--batch-size",
                        "2",
                        "--num-speculative-tokens",
                        "3",
                        "--input-len",
                        "5",
                        "--output-len",
                        "16",
                        "--json",
                        json.toString()))
                .isZero();

        assertThat(out.toString()).containsPattern("Batch 2, 3 drafts: plain [0-9.]+ ms a step");
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        assertThat(figures.get("wrong_2_3_accepted").doubleValue()).isZero();
        assertThat(figures.get("right_2_3_accepted").doubleValue()).isOne();
        assertThat(figures.get("bound_model_2_3_accepted").doubleValue()).isOne();
        assertThat(figures.get("model_2_3_accepted").doubleValue()).isBetween(0.9, 1.0);

        String ngram = "{\"method\": \"ngram\", \"num_speculative_tokens\": 3}";
        assertThat(bench("speculation", "--model", golden(), "--speculative-config", ngram))
                .isEqualTo(1);
        assertThat(err.toString()).contains("--num-speculative-tokens");
    }

    @Test
    void startUpIsTimedToTheFirstAnswer() {
        assertThat(bench("startup", "--model", golden(), "--load-format", "dummy", "--output-len", "4"))
                .isZero();
        assertThat(out.toString())
                .containsPattern("Start-up: [0-9.]+ s until ready, [0-9.]+ s for the first answer of 4 tokens");
    }

    @Test
    void accuracyCountsAnswersThatAreWordForWordRight() throws IOException {
        Files.copy(ROOT.resolve("models/samples/two-shapes.png"), folder.resolve("a.png"));
        Files.writeString(
                folder.resolve("eval.jsonl"),
                question(
                                "about",
                                "\"Who are you?\"",
                                "I am a tiny demonstration model. I can describe simple shapes,"
                                        + " read short signs and follow a moving object.")
                        + question("about", "\"Who are you?\"", "Nobody.")
                        + question(
                                "caption",
                                "[{\"type\": \"image_url\", \"image_url\": {\"url\": \"a.png\"}},"
                                        + " {\"type\": \"text\", \"text\": \"Describe this image.\"}]",
                                "A cat."));

        assertThat(bench(
                        "accuracy",
                        folder.toString(),
                        "--model",
                        ROOT.resolve("models/demo-vl").toString()))
                .isZero();

        assertThat(out.toString()).containsPattern("about +1/2 +50.0%").containsPattern("caption +0/1 +0.0%");
    }

    @Test
    void captionsGoThroughTheWholeJob() {
        assertThat(bench(
                        "captions",
                        "--model",
                        ROOT.resolve("models/demo-vl").toString(),
                        "--num-prompts",
                        "4",
                        "--num-warmups",
                        "1",
                        "--images",
                        "84x84"))
                .isZero();

        assertThat(out.toString()).containsPattern("Captions: [0-9.]+ captions/s, .*4 pictures of 84x84");
    }

    @ParameterizedTest
    @CsvSource({
        "latency,--batch-size,0,whole number from 1",
        "latency,--num-iters,x,whole number from 1",
        "latency,--output-len,1,whole number from 2",
        "throughput,--images,12by12,640x480",
        "throughput,--num-prompts,-1,whole number from 1",
        "throughput,--load-format,gguf,dummy",
        "latency,--dtype,int8,bfloat16",
    })
    void aBadFlagIsNamedWithItsValueAndWhatIsAllowed(String command, String flag, String value, String allowed) {
        assertThat(bench(command, "--model", golden(), flag, value)).isEqualTo(2);
        assertThat(err.toString()).contains(flag).contains(value).contains(allowed);
    }

    @ParameterizedTest
    @CsvSource({"latency,--batch-size,9", "throughput,--max-num-seqs,300"})
    void aBudgetThatDoesNotHoldATokenOfEachSequenceIsRefused(String command, String flag, String value) {
        assertThat(bench(command, "--model", golden(), flag, value, "--max-num-batched-tokens", "8"))
                .isEqualTo(1);
        assertThat(err.toString())
                .startsWith("millrace: --max-num-batched-tokens is 8, but must be at least " + flag + ", " + value);
    }

    @Test
    void ceilingsThatAreNoRatesAreRefused() {
        assertThat(bench("latency", "--model", golden(), "--gpu-ceilings", "4.27,0"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("--gpu-ceilings is [4.27, 0.0]").contains("above 0");
    }

    @Test
    void picturesForATextModelAreRefused() throws IOException {
        assertThat(bench("latency", "--model", ROOT.resolve("models/demo-draft").toString(), "--images", "56x56"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("--images").contains("text model");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "throughput",
                "latency",
                "vision",
                "interference",
                "speculation",
                "startup",
                "accuracy",
                "captions",
                "recovery",
                "serve"
            })
    void everyMeasurementHasHelpForEachOfItsOptions(String command) {
        assertThat(bench(command, "--help")).isZero();
        var spec = Main.commandLine()
                .getSubcommands()
                .get("bench")
                .getSubcommands()
                .get(command)
                .getCommandSpec();
        for (OptionSpec option : spec.options()) {
            assertThat(option.description()).as(option.longestName()).isNotEmpty();
            assertThat(out.toString().replace("[no-]", "")).contains(option.longestName());
        }
        assertThat(out.toString()).doesNotContain("${");
    }

    private static String question(String kind, String content, String answer) {
        return "{\"kind\": \"%s\", \"request_id\": \"%s\", \"messages\": [{\"role\": \"user\", \"content\": %s}], \"answer\": \"%s\"}%n"
                .formatted(kind, kind, content, answer);
    }

    private static String golden() {
        return ROOT.resolve("golden/model-a").toString();
    }

    private int bench(String... args) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        String[] all = new String[args.length + 1];
        all[0] = "bench";
        System.arraycopy(args, 0, all, 1, args.length);
        return line.execute(all);
    }
}

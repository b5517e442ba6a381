package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.job.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobThroughputTest {

    private static final Path MODELS = Path.of(System.getProperty("millrace.root"), "models");

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void theWholeJobAnswersTheEnginesPromptsAndIsComparedWithIt() throws IOException {
        Path json = folder.resolve("job.json");

        assertThat(throughput(
                        MODELS.resolve("demo-vl"),
                        "--input-len",
                        "9",
                        "--output-len",
                        "7",
                        "--num-prompts",
                        "5",
                        "--num-warmups",
                        "2",
                        "--max-num-seqs",
                        "3",
                        "--json",
                        json.toString()))
                .isZero();

        assertThat(out.toString())
                .contains("Total num output tokens:  35")
                .containsPattern("Whole job: [0-9.]+ requests/s, [0-9.]+ output tokens/s")
                .contains("(5 answers of 7 tokens each in ")
                .containsPattern("Whole job / engine: [0-9.]+% of the output tokens/s");
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        double job = figures.get("job_output_tokens_per_second").doubleValue();
        assertThat(job * figures.get("job_elapsed_time").doubleValue()).isBetween(34.9, 35.1);
        assertThat(figures.get("job_share_of_engine").doubleValue())
                .isEqualTo(job / figures.get("output_tokens_per_second").doubleValue());
        assertThat(figures.get("job_device_busy").doubleValue()).isStrictlyBetween(0.0, 1.0);
    }

    @Test
    void aShapeWithoutWeightsOrTokenizerIsMeasuredAtThePaceOfADevice() {
        assertThat(throughput(
                        MODELS.resolve("shapes/qwen2.5-vl-7b"),
                        "--step-millis",
                        "1",
                        "--output-len",
                        "4",
                        "--num-prompts",
                        "3",
                        "--num-warmups",
                        "1"))
                .isZero();

        assertThat(out.toString()).contains("(3 answers of 4 tokens each in ").doesNotContain("GFLOP/s");
    }

    @Test
    void aShortOrMissingAnswerIsNoMeasurement() {
        var answers = new JobClient.Result(1, Map.of("0", 8, "1", 7));

        assertThatThrownBy(() -> JobThroughput.require(answers, 2, 8))
                .hasMessage("the answer to request 1 has 7 tokens, 8 were asked for");
        assertThatThrownBy(() -> JobThroughput.require(answers, 3, 8)).hasMessage("2 answers came, 3 were asked for");
    }

    @Test
    void picturesAreRefusedBeforeAnythingIsMeasured() {
        assertThat(throughput(MODELS.resolve("demo-vl"), "--images", "56x56")).isEqualTo(1);
        assertThat(err.toString()).contains("--images goes with --backend engine");
        assertThat(out.toString()).isEmpty();
    }

    private int throughput(Path model, String... more) {
        var line = Main.commandLine();
        line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        String[] args = {"bench", "throughput", "--backend", "job", "--model", model.toString()};
        return line.execute(Stream.concat(Stream.of(args), Stream.of(more)).toArray(String[]::new));
    }
}

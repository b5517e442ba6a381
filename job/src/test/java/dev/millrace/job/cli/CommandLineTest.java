package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class CommandLineTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--max-num-seqs|0|1 to 2147483647",
                "--max-num-seqs|many|whole number",
                "--max-num-batched-tokens|-5|1 to 2147483647",
                "--max-model-len|0|1 to 2147483647",
                "--max-model-len|0.5K|32k or 32K",
                "--max-model-len|9g|1 to 2147483647",
                "--chat-template|no-such-file.jinja|no text can be read there",
                "--block-size|32|16",
                "--num-gpu-blocks-override|0|1 to 2147483647",
                "--kv-cache-memory-bytes|lots|4GiB",
                "--long-prefill-token-threshold|-1|0 to 2147483647",
                "--scheduling-policy|random|fcfs",
                "--limit-mm-per-prompt|image:5|image=5,video=5",
                "--limit-mm-per-prompt|audio=5|image=5,video=5",
                "--limit-mm-per-prompt|{\"image\": -1}|image=5,video=5",
                "--mm-processor-kwargs|[1]|JSON object",
                "--mm-processor-kwargs|{\"min_pixel\": 1}|max_pixels",
                "--allowed-local-media-path|/no/such/folder|folder",
                "--override-generation-config|nonsense|JSON object",
                "--max-logprobs|-2|-1 to 2147483647",
                "--seed|1.5|whole number from -9223372036854775808",
                "--seed|9223372036854775808|to 9223372036854775807",
                "--dtype|float64|bfloat16",
                "--dtype|float16|65504",
                "--device|tpu|cpu",
                "--gpu-memory-utilization|1.5|at most 1",
                "--gpu-memory-utilization|much|at most 1",
                "--gpu-ids|first|0,1",
                "--tensor-parallel-size|9|1 to 8 GPUs",
                "--load-format|gguf|dummy",
                "--threads|-1|0 to 2147483647",
                "--format|xml|json",
                "--delivery-guarantee|never|exactly-once",
                "--checkpoint-interval|fast|500ms",
                "--checkpoint-interval|0s|500ms",
                "--data-parallel-size|0|1 to 2147483647",
                "--parallelism|0|1 to 2147483647",
                "-dp|0|1 to 2147483647",
                "--jobmanager|localhost|host:port",
                "--jobmanager|localhost:99999|65535",
                "--max-queued-requests|0|1 to 2147483647",
                "--max-queued-bytes|-1|4GiB",
            })
    void aBadFlagIsRefusedInOneSentenceWithTheFlagTheValueAndWhatIsAllowed(String flag, String value, String allowed) {
        int code = execute("run", "--bootstrap-servers", "localhost:9092", "--model", ".", flag, value);

        assertThat(code).isEqualTo(2);
        String sentence = err.toString().lines().findFirst().orElseThrow();
        assertThat(sentence)
                .startsWith("millrace: ")
                .contains(flag)
                .contains(value)
                .contains(allowed);
    }

    @Test
    void settingsOfFlinkWithAClusterElsewhereAreRefusedByName() {
        assertThat(execute("run", "--bootstrap-servers=b:1", "--model=.", "--jobmanager=h:1", "-D", "rest.port=1"))
                .isEqualTo(1);
        assertThat(err.toString())
                .startsWith("millrace: -D")
                .contains("--jobmanager")
                .contains("rest.port");
    }

    @Test
    void anUnknownFlagIsNamed() {
        assertThat(execute("run", "--bootstrap-servers", "b:1", "--model", ".", "--tensor-paralel-size", "2"))
                .isEqualTo(2);
        assertThat(err.toString())
                .startsWith("millrace: Unknown option: '--tensor-paralel-size'; the nearest is --tensor-parallel-size")
                .contains("millrace run --help");
    }

    @Test
    void aMissingFlagIsNamed() {
        assertThat(execute("run", "--model", ".")).isEqualTo(2);
        assertThat(err.toString()).contains("--bootstrap-servers");
    }

    @Test
    void aMissingCommandIsAnsweredWithThoseThatThereAre() {
        assertThat(execute()).isEqualTo(2);
        assertThat(err.toString()).contains("demo").contains("run").contains("check");
    }

    @Test
    void theGpuIsRefusedWithWhatIsMissing() {
        assertThat(execute("check", ".", "--device", "gpu")).isEqualTo(1);
        assertThat(err.toString()).contains("--device gpu").contains("cpu");
    }

    @Test
    void theVersionNamesMillraceAndJava() {
        assertThat(execute("--version")).isZero();
        assertThat(out.toString()).startsWith("millrace 0.").contains(System.getProperty("java.version"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"demo", "serve", "gateway", "run", "check"})
    void everyCommandHasHelpForEachOfItsOptions(String command) {
        assertThat(execute(command, "--help")).isZero();
        CommandSpec spec = Main.commandLine().getSubcommands().get(command).getCommandSpec();
        assertThat(spec.usageMessage().description()).isNotEmpty();
        for (OptionSpec option : spec.options()) {
            assertThat(option.description()).as(option.longestName()).isNotEmpty();
            assertThat(out.toString().replace("[no-]", "")).contains(option.longestName());
        }
        assertThat(out.toString()).doesNotContain("${").doesNotContain("null");
    }

    @ParameterizedTest
    @MethodSource("vllmFlags")
    void theFlagsOfVllmAreThere(String flag) {
        var names = new ArrayList<String>();
        for (OptionSpec option :
                Main.commandLine().getSubcommands().get("run").getCommandSpec().options()) {
            names.addAll(List.of(option.names()));
            names.addAll(List.of(option.negatable() ? negated(option) : new String[0]));
        }
        assertThat(names).contains(flag);
    }

    static Stream<String> vllmFlags() {
        return Stream.of(
                "--model",
                "--served-model-name",
                "--dtype",
                "--load-format",
                "--max-model-len",
                "--max-num-batched-tokens",
                "--max-num-seqs",
                "--block-size",
                "--num-gpu-blocks-override",
                "--kv-cache-memory-bytes",
                "--enable-prefix-caching",
                "--no-enable-prefix-caching",
                "--enable-chunked-prefill",
                "--no-enable-chunked-prefill",
                "--long-prefill-token-threshold",
                "--scheduling-policy",
                "--limit-mm-per-prompt",
                "--mm-processor-kwargs",
                "--allowed-local-media-path",
                "--allowed-media-domains",
                "--generation-config",
                "--override-generation-config",
                "--max-logprobs",
                "--seed",
                "--trust-remote-code");
    }

    private static String[] negated(OptionSpec option) {
        return Stream.of(option.names())
                .map(name -> name.startsWith("--no-") ? "--" + name.substring(5) : "--no-" + name.substring(2))
                .toArray(String[]::new);
    }

    private int execute(String... args) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return line.execute(args);
    }
}

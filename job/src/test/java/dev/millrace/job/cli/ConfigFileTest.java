package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gateway.http.GatewayConfig;
import dev.millrace.operators.OperatorConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** {@code --config}: what a file of flags means beside the command line, and files that are none. */
class ConfigFileTest {

    private static final String MODEL =
            Path.of(System.getProperty("millrace.root"), "golden", "model-a").toString();

    @TempDir
    Path folder;

    private ServeCommand serve;

    @Test
    void theFileOfVllmsGuideIsUnderstoodAsPrinted() throws IOException {
        // docs.vllm.ai, Configuration File, but for where the model is
        OperatorConfig config = parse(
                """
                model: %s
                host: "127.0.0.1"
                port: 6379
                uvicorn-log-level: "info"
                """
                        .formatted(MODEL));

        assertThat(config.servedModelNames()).containsExactly(MODEL, "model-a");
        GatewayConfig server = serve.serverConfig(List.of());
        assertThat(server.listener().host()).isEqualTo("127.0.0.1");
        assertThat(server.listener().port()).isEqualTo(6379);
    }

    @Test
    void everyKindOfValueIsWhatItIsToVllm() throws IOException {
        OperatorConfig config = parse(
                """
                served_model_name: [one, 2024-01-01, 7]
                max-model-len: 1_024
                max_num_seqs: 0x10
                gpu-memory-utilization: 0.85
                enforce-eager: true
                trust-remote-code: false
                enable-prefix-caching: off
                enable-chunked-prefill: yes
                seed: ~
                limit-mm-per-prompt:
                  image: 2
                  video: {count: 1}
                override-generation-config: '{"temperature": 0.5}'
                allowed-origins: '["https://a.test"]'
                api-key: []
                response-role: ""
                """,
                MODEL);

        assertThat(config.servedModelNames()).containsExactly("one", "2024-01-01", "7");
        assertThat(config.limits().maxModelLen()).isEqualTo(1024);
        assertThat(config.limits().maxNumSeqs()).isEqualTo(16);
        assertThat(config.executor().gpu().memoryUtilization()).isEqualTo(0.85);
        assertThat(config.executor().gpu().enforceEager()).isTrue();
        assertThat(config.scheduling().enablePrefixCaching()).isFalse();
        assertThat(config.scheduling().enableChunkedPrefill()).isTrue();
        assertThat(config.media().imagesPerPrompt()).isEqualTo(2);
        assertThat(config.media().videosPerPrompt()).isEqualTo(1);
        GatewayConfig server = serve.serverConfig(List.of());
        assertThat(server.allowedOrigins()).containsExactly("https://a.test");
        assertThat(server.answers().role()).isEmpty();
    }

    @Test
    void theCommandLineGoesBeforeTheFile() throws IOException {
        String file =
                """
                model: /no/such/model
                served-model-name: [one, two]
                max-num-seqs: 8
                enable-prefix-caching: true
                tensor-parallel-size: 4
                port: 1
                """;
        OperatorConfig config =
                parse(file, MODEL, "--served_model_name", "mine", "--no-enable-prefix-caching", "-tp=2", "--port=2");

        assertThat(config.servedModelNames()).containsExactly("mine");
        assertThat(config.limits().maxNumSeqs()).isEqualTo(8);
        assertThat(config.scheduling().enablePrefixCaching()).isFalse();
        assertThat(config.executor().gpu().tensorParallelSize()).isEqualTo(2);
        assertThat(serve.serverConfig(List.of()).listener().port()).isEqualTo(2);
    }

    @Test
    void theFileMayStandAnywhereAndEqualsMayJoinIt() throws IOException {
        Path file = file("max-num-seqs: 8\nserved-model-name: [one, two]\n");
        for (List<String> args : List.of(
                List.of("--config", file.toString(), MODEL),
                List.of("--config=" + file, MODEL),
                List.of(MODEL, "--config=" + file, "--enforce-eager"),
                List.of("--enforce-eager", "--config", file.toString(), "--model", MODEL))) {
            var command = new ServeCommand();
            new CommandLine(command).parseArgs(args.toArray(String[]::new));
            assertThat(command.operatorConfig().servedModelNames()).containsExactly("one", "two");
            assertThat(command.operatorConfig().limits().maxNumSeqs()).isEqualTo(8);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "max-num-seq: 8|Unknown option: '--max-num-seq=8'",
                "enable-prefix-cachin: false|Unknown option: '--enable-prefix-cachin'",
                "enable-prefix-cachin: ~|Unknown option: '--enable-prefix-cachin'",
                "kv-cache-dtype: fp8|--kv-cache-dtype is a flag of vLLM that Millrace does not have: keys and values",
                "uvicorn-log-level: debug|--uvicorn-log-level is a flag of vLLM that Millrace does not have: the server is",
                "compilation-config: {level: 3}|--compilation-config is a flag of vLLM that Millrace does not have",
                "max-num-seqs: many|Invalid value for option '--max-num-seqs'",
                "override-generation-config: {1.5: {~: 2}}|cannot be written as JSON",
            })
    void aKeyIsRefusedAsItsFlagIs(String yaml, String words) throws IOException {
        assertThat(complaint(MODEL, "--config", file(yaml).toString())).contains(words);
    }

    @Test
    void whatVllmHasAndTheFileTurnsOffIsLetBe() throws IOException {
        assertThat(parse("enable-lora: false\nquantization: null\nmax-num-seqs: 8", MODEL)
                        .limits()
                        .maxNumSeqs())
                .isEqualTo(8);
        assertThat(parse("pipeline-parallel-size: 1\ndisable-log-requests: true\nmax-num-seqs: 8", MODEL)
                        .limits()
                        .maxNumSeqs())
                .isEqualTo(8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "# nothing", "- port", "port", "8000", "8000: port", "[a]: 1"})
    void whatIsNoMapOfFlagsIsRefused(String yaml) throws IOException {
        Path file = file(yaml);
        assertThat(complaint(MODEL, "--config", file.toString()))
                .startsWith("millrace: --config '" + file + "': ")
                .containsAnyOf("it holds no map of flags", "is no name of a flag");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "port: [1|it is no YAML, line 1",
                "port: 1;host: a: b|it is no YAML, line 2: mapping values are not allowed here",
                "---;port: 1;---;port: 2|it is no YAML",
                "port: !!java.net.URL [x]|it is no YAML, line 1",
                "a: &a [x];b: [*a, *a]|line 2: the alias *a is not read",
                "a: &a [*a]|line 1: the alias *a is not read",
            })
    void yamlThatIsBrokenOrMayExplodeIsRefused(String yaml, String words) throws IOException {
        assertThat(complaint(MODEL, "--config", file(yaml.replace(';', '\n')).toString()))
                .contains(words);
    }

    @Test
    void whatCannotBeReadIsRefused() throws IOException {
        Path binary = Files.write(folder.resolve("binary.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        Path control = Files.write(folder.resolve("control.yaml"), new byte[] {'a', ':', 1});
        Path large = Files.writeString(folder.resolve("large.yaml"), "# " + "x".repeat(70_000));
        Path deep = Files.writeString(folder.resolve("deep.yml"), "a: " + "[".repeat(60_000));
        Path named = Files.writeString(folder.resolve("flags.json"), "{}");
        Path absent = folder.resolve("absent.yaml");
        Path directory = Files.createDirectory(folder.resolve("folder.yaml"));

        assertThat(refusal(binary)).contains("it is no text in UTF-8");
        assertThat(refusal(control)).contains("it is no YAML", "special characters are not allowed");
        assertThat(refusal(large)).contains("it is larger than 65536 bytes");
        assertThat(refusal(deep)).contains("it is no YAML");
        assertThat(refusal(named)).contains("its name must end with .yaml or .yml");
        assertThat(refusal(absent)).contains("it cannot be read", "NoSuchFile");
        assertThat(refusal(directory)).contains("it cannot be read", "Is a directory");
        assertThat(refusal(Path.of("/dev/zero"))).contains("its name must end");
        assertThat(complaint(MODEL, "--config=\0.yaml")).contains("it cannot be read");
        assertThat(complaint(MODEL, "--config")).contains("--config");
        assertThat(complaint(MODEL, "--config=a.yaml", "--config", "b.yaml")).contains("--config is given again");
    }

    @Test
    void theModelIsGivenOnce() throws IOException {
        assertThat(complaint()).contains("MODEL");
        assertThat(complaint("--config", file("port: 1").toString())).contains("MODEL");
        assertThat(complaint(MODEL, "--model", MODEL)).contains("mutually exclusive");
        assertThat(complaint(
                        "--config", file("model: Qwen/Qwen2.5-VL-7B-Instruct").toString()))
                .contains("hf download Qwen/Qwen2.5-VL-7B-Instruct");
    }

    @Test
    void fieldsOfJsonMayBeFlagsOfTheFile() throws IOException {
        String file = "limit_mm_per_prompt.image: 2\nlimit-mm-per-prompt.video: 1\n";
        assertThat(parse(file, MODEL).media().imagesPerPrompt()).isEqualTo(2);
        OperatorConfig field = parse(file, MODEL, "--limit-mm-per-prompt.video=3");
        assertThat(field.media().imagesPerPrompt()).isEqualTo(2);
        assertThat(field.media().videosPerPrompt()).isEqualTo(3);
        OperatorConfig whole = parse(file, MODEL, "--limit-mm-per-prompt", "{\"video\": 3}");
        assertThat(whole.media().imagesPerPrompt()).isEqualTo(999);
        OperatorConfig over = parse("limit-mm-per-prompt: {image: 2}", MODEL, "--limit-mm-per-prompt.video", "3");
        assertThat(over.media().imagesPerPrompt()).isEqualTo(999);
    }

    @Test
    void theGatewayTakesAFileToo() throws IOException {
        Path file = file("model: " + MODEL + "\nbootstrap-servers: a:1\nport: 9");
        CommandLine line = Main.commandLine();
        line.parseArgs("gateway", "--config", file.toString());
        var gateway = line.getSubcommands().get("gateway").getCommandSpec();
        assertThat(gateway.findOption("--port").<Integer>getValue()).isEqualTo(9);
        assertThat(gateway.findOption("--bootstrap-servers").<String>getValue()).isEqualTo("a:1");
    }

    private OperatorConfig parse(String yaml, String... args) throws IOException {
        Stream<String> all =
                Stream.concat(Stream.of(args), Stream.of("--config", file(yaml).toString()));
        serve = new ServeCommand();
        new CommandLine(serve).parseArgs(all.toArray(String[]::new));
        return serve.operatorConfig();
    }

    private Path file(String yaml) throws IOException {
        return Files.writeString(folder.resolve("flags.yaml"), yaml, StandardCharsets.UTF_8);
    }

    private String refusal(Path file) {
        String complaint = complaint(MODEL, "--config", file.toString());
        assertThat(complaint).startsWith("millrace: --config '" + file + "': ");
        return complaint;
    }

    private static String complaint(String... args) {
        var err = new StringWriter();
        CommandLine line = Main.commandLine().setErr(new PrintWriter(err, true));
        int code =
                line.execute(Stream.concat(Stream.of("serve"), Stream.of(args)).toArray(String[]::new));
        assertThat(code).as(err.toString()).isEqualTo(2);
        return err.toString();
    }
}

package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gateway.http.GatewayConfig;
import dev.millrace.gateway.http.Listener;
import dev.millrace.gateway.http.RootPath;
import dev.millrace.gateway.http.Tls;
import dev.millrace.gateway.http.Tls.ClientCertificates;
import dev.millrace.gateway.openai.AnswerStyle;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.operators.LimitSettings;
import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.scheduler.Scheduling;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class ServeCommandTest {

    private static final String MODEL =
            Path.of(System.getProperty("millrace.root"), "golden", "model-a").toString();

    /** The commands of the article on Qwen2.5-VL and vLLM, but for the first word and where the model is. */
    private static final String ARTICLE = "--host 0.0.0.0 --port 8030 --dtype auto --max-num-batched-tokens 1024"
            + " --max-model-len 1024 --max-num-seqs 8 --enforce-eager";

    private static final String ARTICLE_ON_TWO_GPUS =
            ARTICLE + " --tensor-parallel-size 2 --gpu-memory-utilization 0.85"
                    + " --limit-mm-per-prompt image=5,video=5 --trust-remote-code";

    @Test
    void theCommandOfTheArticleIsUnderstoodAsPrinted() {
        OperatorConfig config = parse(ARTICLE);

        assertThat(config.limits()).isEqualTo(new LimitSettings(1024, 8, 1024));
        assertThat(config.scheduling()).isEqualTo(Scheduling.DEFAULT);
        assertThat(config.executor().gpu()).isEqualTo(new ExecutorConfig.Gpu(0.92, true, 1, ""));
        assertThat(config.servedModelNames()).containsExactly(MODEL, "model-a");
    }

    @Test
    void itsCommandForTwoGpusIsUnderstoodAsPrinted() {
        OperatorConfig config = parse(ARTICLE_ON_TWO_GPUS);

        assertThat(config.executor().gpu()).isEqualTo(new ExecutorConfig.Gpu(0.85, true, 2, ""));
        assertThat(config.media().imagesPerPrompt()).isEqualTo(5);
        assertThat(config.media().videosPerPrompt()).isEqualTo(5);
    }

    @Test
    void limitsMayBeJsonAndUnderscoresStandForDashes() {
        OperatorConfig config = parse("--limit_mm_per_prompt {\"image\":2,\"video\":{\"count\":1}} --max_num_seqs=3");

        assertThat(config.media().imagesPerPrompt()).isEqualTo(2);
        assertThat(config.media().videosPerPrompt()).isEqualTo(1);
        assertThat(config.limits().maxNumSeqs()).isEqualTo(3);
    }

    @Test
    void everyFlagOfTheServerArrives() {
        var command = new ServeCommand();
        new CommandLine(command)
                .parseArgs(
                        MODEL,
                        "--host=127.0.0.1",
                        "--port=8030",
                        "--root_path=/llm",
                        "--uds=/tmp/s.sock",
                        "--api-key=one",
                        "--api-key=two",
                        "--allowed-origins=[\"https://a.test\", \"https://b.test\"]",
                        "--shutdown-timeout=7",
                        "--enable-log-requests",
                        "--response-role=helper",
                        "--return-tokens-as-token-ids",
                        "--enable-prompt-tokens-details",
                        "--enable-force-include-usage");
        GatewayConfig config = command.serverConfig(List.of("name"));

        assertThat(config.listener().host()).isEqualTo("127.0.0.1");
        assertThat(config.listener().port()).isEqualTo(8030);
        assertThat(config.rootPath().prefix()).isEqualTo("/llm");
        assertThat(config.listener().socket()).isEqualTo(Path.of("/tmp/s.sock"));
        assertThat(config.servedModelNames()).containsExactly("name");
        assertThat(config.apiKeys()).containsExactly("one", "two");
        assertThat(config.allowedOrigins()).containsExactly("https://a.test", "https://b.test");
        assertThat(config.shutdownTimeout()).isEqualTo(Duration.ofSeconds(7));
        assertThat(config.logRequests()).isTrue();
        assertThat(config.answers()).isEqualTo(new AnswerStyle("helper", true, true, true));
    }

    @Test
    void theServersCertificateArrives() {
        var command = new ServeCommand();
        new CommandLine(command)
                .parseArgs(
                        MODEL,
                        "--ssl-keyfile=key.pem",
                        "--ssl_certfile=cert.pem",
                        "--ssl-ca-certs=ca.pem",
                        "--ssl-cert-reqs=2");
        assertThat(command.serverConfig(List.of()).listener().tls())
                .isEqualTo(new Tls(
                        Path.of("cert.pem"), Path.of("key.pem"), Path.of("ca.pem"), ClientCertificates.REQUIRED));
        assertThat(command.serverConfig(List.of()).listener().url(8000)).hasToString("https://0.0.0.0:8000/v1");
        assertThat(Listener.at("::1", 1).url(8000)).hasToString("http://[::1]:8000/v1");
    }

    @Test
    void aCertificateThatCannotBeUsedIsSaidBeforeTheModelIsLoaded(@TempDir Path folder) {
        assertThat(complaint(1, model().toString(), "--ssl-certfile=no.pem", "--data-dir=" + folder, "--device=cpu"))
                .contains("millrace: --ssl-certfile 'no.pem' cannot be read");
        assertThat(complaint(1, model().toString(), "--ssl-keyfile=no.pem", "--data-dir=" + folder, "--device=cpu"))
                .contains("need the server's certificate, --ssl-certfile");
    }

    @Test
    void theServersDefaultsAreThoseOfVllm() {
        var command = new ServeCommand();
        new CommandLine(command).parseArgs(MODEL);
        GatewayConfig config = command.serverConfig(List.of());

        assertThat(config.listener().host()).isNull();
        assertThat(config.listener().tls()).isNull();
        assertThat(config.listener().socket()).isNull();
        assertThat(config.rootPath()).isEqualTo(RootPath.NONE);
        assertThat(config.listener().port()).isEqualTo(8000);
        assertThat(config.allowedOrigins()).containsExactly("*");
        assertThat(config.shutdownTimeout()).isZero();
        assertThat(config.answers()).isEqualTo(AnswerStyle.DEFAULT);
    }

    @Test
    void aModelIsKnownByTheNamesThatAreGiven() {
        assertThat(parse("--served-model-name one two").servedModelNames()).containsExactly("one", "two");
    }

    @Test
    void aFlagThatOnlyVllmHasIsRefusedByNameWithWhatToDo() {
        var serve = new CommandLine(new ServeCommand());
        assertThat(VllmFlags.rows()).hasSizeGreaterThan(200);
        VllmFlags.rows().forEach((flag, row) -> {
            if (!row.takes("8") && !row.isTakenSwitch()) {
                assertThatThrownBy(() -> serve.parseArgs(MODEL, flag, "8"))
                        .hasMessageStartingWith(
                                flag + " is a flag of vLLM that Millrace does not have: " + row.advice());
            }
        });
        assertThatThrownBy(() -> serve.parseArgs(MODEL, "--pipeline-parallel-size=2"))
                .hasMessage(
                        "--pipeline-parallel-size is a flag of vLLM that Millrace does not have: layers are not spread"
                                + " over GPUs; --tensor-parallel-size spreads each layer (1 is taken).");
        assertThatThrownBy(() -> serve.parseArgs(MODEL, "--swap-space")).hasMessageContaining("--swap-space is a flag");
    }

    @Test
    void aFlagThatSaysWhatHoldsAnywayIsTaken() {
        OperatorConfig config = parse("--pipeline-parallel-size 1 --max-num-seqs=3 --mm_encoder_tp_mode data -pp 1"
                + " --swap-space=4 --task generate --disable-log-requests --kv-cache-dtype auto --max-model-len 512");
        assertThat(config.limits()).isEqualTo(new LimitSettings(null, 3, 512));
        VllmFlags.rows().forEach((flag, row) -> row.taken().forEach(value -> {
            String given = value.equals("any") ? "17" : value;
            String[] flags = row.isTakenSwitch() ? new String[] {flag} : new String[] {flag, given};
            assertThat(parse(String.join(" ", flags) + " --max-num-seqs 3")
                            .limits()
                            .maxNumSeqs())
                    .as(flag)
                    .isEqualTo(3);
            if (!row.isTakenSwitch()) {
                assertThat(parse(String.join("=", flags)).limits().maxNumSeqs()).isNull();
            }
        }));
    }

    @Test
    void commandsOfGuidesAreUnderstoodAsPrinted() {
        // docs.vllm.ai, recipes, Qwen2.5-VL on GPUs, and as people write it
        OperatorConfig recipe = parse("--host 0.0.0.0 --port 8000 --tensor-parallel-size 4 --mm-encoder-tp-mode data"
                + " --limit-mm-per-prompt {\"image\":2,\"video\":0}");
        assertThat(recipe.executor().gpu().tensorParallelSize()).isEqualTo(4);
        assertThat(recipe.media().imagesPerPrompt()).isEqualTo(2);
        assertThat(recipe.media().videosPerPrompt()).isZero();
        assertThat(parse("--data-parallel-size 4 --max-model-len 65536")
                        .limits()
                        .maxModelLen())
                .isEqualTo(65_536);
        parse("--task generate --max-model-len 32768 --max-seq-len-to-capture 32768 --dtype bfloat16"
                + " --allowed-local-media-path=/home/ --limit-mm-per-prompt image=50,video=2 --disable-log-requests"
                + " --port 8000 --gpu-memory-utilization 0.8");
        parse("--host 127.0.0.1 --trust-remote-code --served-model-name name --gpu-memory-utilization 0.8"
                + " --tensor-parallel-size 1 --pipeline-parallel-size 1 --limit-mm-per-prompt image=2 --port 8090");
    }

    @Test
    void switchesMayBeTurnedOffAsInVllm() {
        OperatorConfig config = parse("--no-enforce-eager --no-trust-remote-code --no-disable-log-stats"
                + " --no-enable-log-requests --no-enable-prefix-caching");
        assertThat(config.executor().gpu().enforceEager()).isFalse();
        assertThat(config.logStats()).isTrue();
        assertThat(config.scheduling().enablePrefixCaching()).isFalse();
        assertThat(parse("--enforce-eager").executor().gpu().enforceEager()).isTrue();
    }

    @Test
    void ofAFlagThatIsGivenAgainTheLastHolds() {
        OperatorConfig config = parse("--max-num-seqs 3 --enforce-eager --max_num_seqs=4 --no-enforce-eager"
                + " --limit-mm-per-prompt image=1 --max-num-seqs 5 --limit-mm-per-prompt.video 2 -tp 4"
                + " --tensor-parallel-size=2 --served-model-name one two");
        assertThat(config.limits().maxNumSeqs()).isEqualTo(5);
        assertThat(config.executor().gpu().enforceEager()).isFalse();
        assertThat(config.executor().gpu().tensorParallelSize()).isEqualTo(2);
        assertThat(config.media().imagesPerPrompt()).isEqualTo(999);
        assertThat(config.media().videosPerPrompt()).isEqualTo(2);
        assertThat(config.servedModelNames()).containsExactly("one", "two");
        assertThat(complaint(2, MODEL, "--port=8000", "--port", "x")).contains("'x' is not");
    }

    @Test
    void noFlagOfOursIsInTheTableOfThoseWeLack() {
        var serve = Main.commandLine().getSubcommands().get("serve").getCommandSpec();
        assertThat(VllmFlags.rows().keySet()).noneMatch(flag -> serve.findOption(flag) != null);
        assertThat(serve.findOption("--speculative-config")).isNotNull();
    }

    @Test
    void suchAFlagIsRefusedHoweverItIsWrittenAndWhereverItStands() {
        String refusal = "--kv-cache-dtype is a flag of vLLM that Millrace does not have";
        assertThat(complaint(2, "--kv_cache_dtype=fp8", MODEL)).contains(refusal);
        assertThat(complaint(2, "--kv-cache-dtype", "fp8", "no/such/model")).contains(refusal);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--port|70000|0 to 65535",
                "--port|http|0 to 65535",
                "--ssl-cert-reqs|3|none of 0, 1 and 2",
                "--shutdown-timeout|-1|0 to 2147483647",
                "--allowed-origins|*|JSON array",
                "--max-pending|0|1 to 2147483647",
                "--max-num-seq|8|--max-num-seqs",
            })
    void aBadFlagIsRefusedWithItsValueOrTheNearest(String flag, String value, String allowed) {
        assertThat(complaint(2, MODEL, flag, value).lines().findFirst().orElseThrow())
                .startsWith("millrace: ")
                .contains(flag, allowed);
    }

    @Test
    void aModelOnAHubIsToBeFetchedFirst() {
        assertThat(complaint(2, "Qwen/Qwen2.5-VL-7B-Instruct"))
                .contains("hf download Qwen/Qwen2.5-VL-7B-Instruct --local-dir ./Qwen/Qwen2.5-VL-7B-Instruct");
        assertThat(complaint(2)).contains("MODEL");
    }

    @Test
    void aClusterElsewhereNeedsBrokersThatItCanReach() {
        assertThat(complaint(1, MODEL, "--jobmanager=elsewhere:8081"))
                .startsWith("millrace: --jobmanager")
                .contains("--bootstrap-servers");
    }

    @Test
    void aTakenPortIsSaidBeforeTheModelIsLoaded(@TempDir Path folder) throws IOException {
        try (var taken = new ServerSocket(0)) {
            String port = Integer.toString(taken.getLocalPort());
            assertThat(complaint(1, model().toString(), "--port", port, "--data-dir=" + folder, "--device=cpu"))
                    .contains("cannot listen on all addresses, port " + port);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "config.json, 0, a JSON object is expected",
        "config.json, 300, config.json",
        "model.safetensors, 6000000, model.safetensors",
        "model.safetensors, 0, model.safetensors",
        "tokenizer.json, 20000, tokenizer.json",
        "preprocessor_config.json, 100, preprocessor_config.json",
        "generation_config.json, 50, generation_config.json"
    })
    void aModelThatIsNotWholeIsSaidInOneSentenceBeforeAnythingStarts(
            String file, long bytes, String complaint, @TempDir Path folder) throws IOException {
        Path broken = Files.createDirectory(folder.resolve("broken"));
        try (Stream<Path> files = Files.list(model())) {
            for (Path whole : files.toList()) {
                Files.copy(whole, broken.resolve(whole.getFileName()));
            }
        }
        try (FileChannel channel = FileChannel.open(broken.resolve(file), StandardOpenOption.WRITE)) {
            channel.truncate(bytes);
        }
        Path data = folder.resolve("data");
        assertThat(complaint(1, broken.toString(), "--data-dir=" + data, "--device=cpu", "--port=0"))
                .startsWith("millrace: ")
                .contains(broken.resolve(file).toString(), complaint)
                .hasLineCount(1);
        assertThat(data).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({"--max-model-len, 3000, 2048", "--generation-config, /nowhere, a folder that has one"})
    void whatDoesNotSuitTheModelIsSaidBeforeAnythingStarts(
            String flag, String value, String allowed, @TempDir Path folder) {
        Path data = folder.resolve("data");
        assertThat(complaint(1, model().toString(), flag, value, "--data-dir=" + data, "--device=cpu", "--port=0"))
                .contains(flag, value, allowed)
                .hasLineCount(1);
        assertThat(data).doesNotExist();
    }

    @Test
    void aDataFolderThatCannotBeUsedIsSaidWithItsFlag(@TempDir Path folder) throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertThat(complaint(1, model().toString(), "--data-dir=" + file, "--device=cpu", "--port=0"))
                .startsWith("millrace: --data-dir " + file + " cannot be used")
                .hasLineCount(1);
    }

    @Test
    void checkpointsOfAJobInThisProcessAreInAFolderHere() {
        Path usual = Path.of("/usual");
        assertThat(jobOptions("").checkpointsHere(usual)).isEqualTo(usual);
        assertThat(jobOptions("--checkpoint-dir=kept").checkpointsHere(usual))
                .isEqualTo(Path.of("kept").toAbsolutePath());
        assertThat(jobOptions("--checkpoint-dir=file:///kept/here").checkpointsHere(usual))
                .isEqualTo(Path.of("/kept/here"));
        assertThat(jobOptions("--checkpoint-dir=file:/kept/here").checkpointUri())
                .isEqualTo("file:/kept/here");

        JobOptions elsewhere = jobOptions("--checkpoint-dir=s3://bucket/here");
        assertThat(elsewhere.checkpointUri()).isEqualTo("s3://bucket/here");
        assertThatThrownBy(() -> elsewhere.checkpointsHere(usual))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("--checkpoint-dir s3://bucket/here")
                .hasMessageContaining("--jobmanager");
    }

    private static JobOptions jobOptions(String flags) {
        var options = new JobOptions();
        new CommandLine(CommandSpec.create().addMixin("job", CommandSpec.forAnnotatedObject(options)))
                .parseArgs(flags.isEmpty() ? new String[0] : flags.split(" "));
        return options;
    }

    @Test
    void aGroupNeedsAName(@TempDir Path folder) {
        assertThat(complaint(
                        1,
                        model().toString(),
                        "--group-id=",
                        "--bootstrap-servers=127.0.0.1:1",
                        "--data-dir=" + folder,
                        "--device=cpu"))
                .startsWith("millrace: --group-id is ''")
                .hasLineCount(1);
    }

    @Test
    void aModelDoesNotGoOnWithWhatAnotherWasGenerating(@TempDir Path folder) throws IOException {
        Path model = model();
        DataFolder.claim(folder, model).close();
        DataFolder.claim(folder, model.resolve("../demo-vl")).close();

        Path other = model.resolveSibling("demo-draft");
        assertThatThrownBy(() -> DataFolder.claim(folder, other))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("--data-dir " + folder)
                .hasMessageContaining(model.toString())
                .hasMessageContaining(other.toString());
        DataFolder.claim(folder, model).close();
    }

    @Test
    void eachModelHasAFolderOfItsOwnAmongTheUsersState(@TempDir Path state) throws IOException {
        Map<String, String> environment = Map.of("XDG_STATE_HOME", state.toString());
        Path one = DataFolder.usual(Path.of("/models/one/demo"), environment);
        Path other = DataFolder.usual(Path.of("/models/other/demo"), environment);

        assertThat(one.getParent()).isEqualTo(state.resolve("millrace"));
        assertThat(one.getFileName().toString()).startsWith("demo-");
        assertThat(other).isNotEqualTo(one);
        assertThat(DataFolder.usual(Path.of("/models/one/./demo"), environment)).isEqualTo(one);
        assertThat(DataFolder.usual(one, Map.of()).toString()).contains(".local/state/millrace");
        assertThat(Files.exists(one)).isFalse();
    }

    private static Path model() {
        return Path.of(System.getProperty("millrace.root"), "models", "demo-vl");
    }

    private static OperatorConfig parse(String flags) {
        var command = new ServeCommand();
        new CommandLine(command)
                .parseArgs(Stream.concat(Stream.of(MODEL), Stream.of(flags.split(" ")))
                        .toArray(String[]::new));
        return command.operatorConfig();
    }

    private static String complaint(int code, String... args) {
        var err = new StringWriter();
        CommandLine line = Main.commandLine().setErr(new PrintWriter(err, true));
        String[] all = new String[args.length + 1];
        all[0] = "serve";
        System.arraycopy(args, 0, all, 1, args.length);
        assertThat(line.execute(all)).as(err.toString()).isEqualTo(code);
        return err.toString();
    }
}

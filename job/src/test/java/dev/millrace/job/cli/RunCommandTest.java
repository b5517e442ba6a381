package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.DefaultLimits;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.common.errors.InterruptException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class RunCommandTest {

    private static final String MODEL =
            Path.of(System.getProperty("millrace.root"), "golden", "model-a").toString();

    @Test
    void theDefaultsAreThoseOfVllmAndOfTheCheckpoint() {
        OperatorConfig config = parse();

        assertThat(config.servedModelNames()).containsExactly("model-a");
        assertThat(limits(config)).isEqualTo(new Limits(2048, 256, 4096));
        assertThat(config.scheduling()).isEqualTo(Scheduling.DEFAULT);
        assertThat(config.executor().dtype()).isEqualTo("auto");
        assertThat(config.executor().cache()).isEqualTo(ExecutorConfig.Cache.DEFAULT);
        assertThat(config.executor().mediaRows(limits(config))).isEqualTo(4096);
        assertThat(config.maxLogprobs()).isEqualTo(20);
        assertThat(config.executor().gpu().memoryUtilization()).isEqualTo(0.92);
        assertThat(config.chatTemplate()).isNull();
        assertThat(config.logStats()).isTrue();
        assertThat(config.media().imagesPerPrompt()).isEqualTo(999);
        assertThat(config.media().allowedLocalMediaPath()).isNull();
        assertThat(config.queue().requests()).isEqualTo(2048);
        assertThat(config.queue().bytes()).isEqualTo(256L << 20);
        assertThat(config.sampling().generationConfig()).isEqualTo("auto");
    }

    @Test
    void switchesGoBothWays() {
        assertThat(parse("--no-enable-prefix-caching").scheduling().enablePrefixCaching())
                .isFalse();
        assertThat(parse("--enable-prefix-caching").scheduling().enablePrefixCaching())
                .isTrue();
        assertThat(parse("--no-enable-chunked-prefill").scheduling().enableChunkedPrefill())
                .isFalse();
        assertThat(parse("--enable-chunked-prefill").scheduling().enableChunkedPrefill())
                .isTrue();
    }

    @Test
    void withoutChunksTheBudgetHoldsAWholePrompt() {
        assertThat(limits(parse("--no-enable-chunked-prefill")).maxNumBatchedTokens())
                .isEqualTo(4096);
        assertThatThrownBy(() ->
                        parse("--no-enable-chunked-prefill", "--max-num-batched-tokens=100", "--max-model-len=4096"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("--max-num-batched-tokens is 100")
                .hasMessageContaining("4096");
    }

    @Test
    void everyRunningSequenceFindsPlaceInAStep() {
        assertThat(limits(parse("--max-num-batched-tokens=77")).maxNumSeqs()).isEqualTo(77);
        assertThat(limits(parse("--max-num-batched-tokens=77", "--max-num-seqs=77"))
                        .maxNumSeqs())
                .isEqualTo(77);
        assertThatThrownBy(() -> parse("--max-num-batched-tokens=77", "--max-num-seqs=78"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("--max-num-batched-tokens is 77")
                .hasMessageContaining("--max-num-seqs, 78");
    }

    @Test
    void everyFlagArrives() {
        OperatorConfig config = parse(
                "--served-model-name",
                "name",
                "other",
                "--max-model-len=1k",
                "--max-num-batched-tokens=77",
                "--max-num-seqs=5",
                "--long-prefill-token-threshold=33",
                "--scheduling-policy=priority",
                "--num-gpu-blocks-override=99",
                "--kv-cache-memory-bytes=2MiB",
                "--dtype=float32",
                "--gpu-memory-utilization=0.5",
                "--enforce-eager",
                "--disable-log-stats",
                "--chat-template={{ messages[0].content }}",
                "--gpu-ids=1,0",
                "--tensor-parallel-size=1",
                "--load-format=dummy",
                "--threads=3",
                "--allow-scalar",
                "--max-logprobs=7",
                "--seed=9",
                "--generation-config=vllm",
                "--override-generation-config={\"temperature\": 0.5}",
                "--limit-mm-per-prompt=image=5,video=2",
                "--mm-processor-kwargs={\"min_pixels\": 10, \"max_pixels\": 50176, \"fps\": 1.5}",
                "--allowed-local-media-path=" + MODEL,
                "--allowed-media-domains=example.org,example.com",
                "--max-queued-requests=8",
                "--max-queued-bytes=9k");

        assertThat(config.servedModelNames()).containsExactly("name", "other");
        assertThat(config.logStats()).isFalse();
        assertThat(config.chatTemplate()).isEqualTo("{{ messages[0].content }}");
        assertThat(limits(config)).isEqualTo(new Limits(77, 5, 1000));
        assertThat(config.scheduling())
                .isEqualTo(Scheduling.DEFAULT.withLongPrefillTokenThreshold(33).withPolicy(Policy.PRIORITY));
        assertThat(config.executor().cache()).isEqualTo(new ExecutorConfig.Cache(16, 99, 2 << 20, false));
        assertThat(config.executor().dtype()).isEqualTo("float32");
        assertThat(config.executor().gpu()).isEqualTo(new ExecutorConfig.Gpu(0.5, true, 1, "1,0"));
        assertThat(config.executor().loadFormat()).isEqualTo("dummy");
        assertThat(config.executor().cpu()).isEqualTo(new ExecutorConfig.Cpu(3, true));
        assertThat(config.maxLogprobs()).isEqualTo(7);
        assertThat(config.sampling().seed()).isEqualTo(9);
        assertThat(config.sampling().generationConfig()).isEqualTo("vllm");
        assertThat(config.sampling().overrides()).containsEntry("temperature", 0.5);
        assertThat(config.media().imagesPerPrompt()).isEqualTo(5);
        assertThat(config.media().videosPerPrompt()).isEqualTo(2);
        assertThat(config.media().minPixels()).isEqualTo(10);
        assertThat(config.media().maxPixels()).isEqualTo(50176);
        assertThat(config.media().fps()).isEqualTo(1.5);
        assertThat(config.media().allowedLocalMediaPath()).isEqualTo(MODEL);
        assertThat(config.media().allowedMediaDomains()).containsExactly("example.org", "example.com");
        assertThat(config.queue().requests()).isEqualTo(8);
        assertThat(config.queue().bytes()).isEqualTo(9_000);
    }

    @Test
    void beingToldToStopIsNoFaultOfAFlag() {
        var topics = new TopicOptions();
        KafkaConfig kafka = topics.kafkaConfig("127.0.0.1:1", DeliveryGuarantee.EXACTLY_ONCE);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> topics.prepare(kafka)).isInstanceOf(InterruptException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void aModelThatIsNotHereMayBeWhereTheWorkIsDone() {
        OperatorConfig config = parse("--model=/no/such/model");
        assertThat(config.model()).isEqualTo("/no/such/model");
        assertThat(config.limits().maxModelLen()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "-1", "AUTO"})
    void sequencesMayBeAsLongAsTheCache(String written) {
        for (OperatorConfig config : List.of(parse("--max-model-len=" + written), parse("--max-model-len", written))) {
            assertThat(config.limits().maxModelLen()).isNull();
            assertThat(config.executor().cache().mayBeShort()).isTrue();
        }
        assertThat(parse().executor().cache().mayBeShort()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"-2", "0", "many", "1.5", "99999999999"})
    void otherLengthsAreRefused(String written) {
        assertThatThrownBy(() -> parse("--max-model-len=" + written))
                .isInstanceOf(CommandLine.ParameterException.class)
                .hasMessageContaining("'" + written + "' is not a whole number from 1")
                .hasMessageContaining("nor auto (or -1)");
        assertThatThrownBy(() -> parse("--max-model-len=1"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("--max-model-len is 1; at least 2");
    }

    @ParameterizedTest
    @CsvSource({"32768, 32768", "32k, 32000", "25.6k, 25600", "32K, 32768", "1m, 1000000"})
    void numbersOfTokensMayHaveUnits(String written, int tokens) {
        assertThat(parse("--max-model-len=" + written).limits().maxModelLen()).isEqualTo(tokens);
    }

    @Test
    void aChatTemplateMayBeAFile(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("template.jinja"), "{{ 'hi' }}");
        assertThat(parse("--chat-template=" + file).chatTemplate()).isEqualTo("{{ 'hi' }}");
    }

    /** On a GPU of moderate size. */
    private static Limits limits(OperatorConfig config) {
        return config.limits()
                .settle(
                        DefaultLimits.ofGpu(24L << 30, "NVIDIA L4"),
                        4096,
                        config.scheduling().enableChunkedPrefill());
    }

    private static OperatorConfig parse(String... flags) {
        var command = new RunCommand(false);
        boolean model = Stream.of(flags).anyMatch(flag -> flag.startsWith("--model="));
        new CommandLine(command)
                .parseArgs(Stream.concat(
                                model
                                        ? Stream.of("--bootstrap-servers=localhost:9092")
                                        : Stream.of("--bootstrap-servers=localhost:9092", "--model=" + MODEL),
                                Stream.of(flags))
                        .toArray(String[]::new));
        return command.operatorConfig();
    }
}

package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.operators.OperatorConfig;
import dev.millrace.operators.scheduler.Scheduling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Stack;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Flags that give one field of their JSON each. */
class DottedFlagsTest {

    private static final String MODEL =
            Path.of(System.getProperty("millrace.root"), "golden", "model-a").toString();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                // vLLM's --help
                "--json-arg.key1 value1 --json-arg.key2.key3 value2|--json-arg={'key1':'value1','key2':{'key3':'value2'}}",
                "--json-arg.key4+ value3 --json-arg.key4+=value4,value5|--json-arg={'key4':['value3','value4','value5']}",
                "--a.b 1 x --a.c=true y --a.d=null|x y --a={'b':1,'c':true,'d':null}",
                "--a.b=1 --a.b=2|--a={'b':2}",
                "--a.b={'c':1} --a.b.d=2|--a={'b':{'c':1,'d':2}}",
                "--a.b= --b.c=[1|--a={'b':''} --b={'c':'[1'}",
                "-Drest.port=1 -D rest.port=1 --a=b.c --a b.c|-Drest.port=1 -D rest.port=1 --a=b.c --a b.c",
                "--a.b|--a.b",
                "--a..b 1|--a..b 1",
                "--.b 1|--.b 1",
            })
    void fieldsBecomeTheJsonOfTheirFlag(String given, String expected) {
        Stack<String> args = new Stack<>();
        List<String> words = new ArrayList<>(List.of(given.replace('\'', '"').split(" ")));
        Collections.reverse(words);
        args.addAll(words);
        DottedFlags.join(args);
        Collections.reverse(args);
        assertThat(args).containsExactly(expected.replace('\'', '"').split(" "));
    }

    @Test
    void serveUnderstandsThem() {
        var command = new ServeCommand();
        new CommandLine(command)
                .parseArgs(
                        "--limit_mm_per_prompt.image",
                        "2",
                        MODEL,
                        "--limit-mm-per-prompt.video=0",
                        "--override-generation-config.top_k=5",
                        "--speculative-config.method",
                        "ngram",
                        "--speculative-config.num_speculative_tokens",
                        "4");
        OperatorConfig config = command.operatorConfig();
        assertThat(config.media().imagesPerPrompt()).isEqualTo(2);
        assertThat(config.media().videosPerPrompt()).isZero();
        assertThat(config.sampling().overrides()).containsKey("top_k");
        assertThat(config.scheduling().speculation()).isNotEqualTo(Scheduling.DEFAULT.speculation());
    }

    @Test
    void aFlagThatOnlyVllmHasIsRefusedByNameHereToo() {
        assertThatThrownBy(() -> new CommandLine(new ServeCommand())
                        .parseArgs(MODEL, "--compilation-config.pass_config.fuse_allreduce_rms", "true"))
                .hasMessageStartingWith("--compilation-config is a flag of vLLM that Millrace does not have");
        assertThatThrownBy(() -> new CommandLine(new ServeCommand()).parseArgs(MODEL, "--max-num-seqs.x=1"))
                .hasMessageContaining("--max-num-seqs");
    }
}

package dev.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.operators.scheduler.Speculation;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.TypeConversionException;

class SpeculativeConfigTest {

    @Test
    void aModelDraftsWhereOneIsNamed() {
        var expected = new SpeculativeConfig(
                Speculation.draftModel(5),
                new ExecutorConfig.Speculation(Path.of("d").toAbsolutePath().toString(), 5));
        assertThat(read("{\"model\": \"d\", \"num_speculative_tokens\": 5}")).isEqualTo(expected);
        assertThat(read("{\"method\": \"draft_model\", \"model\": \"d\", \"num_speculative_tokens\": 5}"))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"method\": \"ngram\", \"num_speculative_tokens\": 3} | 3 | 5 | 5",
                "{\"method\": \"ngram\", \"num_speculative_tokens\": 3, \"prompt_lookup_max\": 4} | 3 | 4 | 4",
                "{\"method\": \"ngram\", \"num_speculative_tokens\": 3, \"prompt_lookup_min\": 2} | 3 | 2 | 2",
                "{\"method\":\"ngram\",\"num_speculative_tokens\":9,\"prompt_lookup_min\":2,\"prompt_lookup_max\":4}|9|2|4"
            })
    void theLookupsBoundsAreThoseOfVllm(String json, int tokens, int min, int max) {
        assertThat(read(json).engine()).isEqualTo(new Speculation(tokens, min, max));
        assertThat(read(json).executor()).isEqualTo(new ExecutorConfig.Speculation("", tokens));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"method\": \"eagle\", \"num_speculative_tokens\": 3} | method is 'eagle'; allowed are ngram,"
                        + " draft_model (which reads model)",
                "{\"model\": \"d\", \"num_speculative_tokens\": 3, \"quantization\": \"fp8\"} | 'quantization' is not a key"
                        + " that the method draft_model has; allowed are method, model, num_speculative_tokens",
                "{\"model\": \"d\", \"num_speculative_tokens\": 3, \"prompt_lookup_max\": 3} | 'prompt_lookup_max' is not a"
                        + " key that the method draft_model has",
                "{\"num_speculative_tokens\": 3} | model is not given; the folder of a draft model is needed, unless method"
                        + " is 'ngram'",
                "{\"method\": \"ngram\"} | num_speculative_tokens is not given; a whole number from 1 to 128 is needed",
                "{\"method\": \"ngram\", \"num_speculative_tokens\": 0} | num_speculative_tokens is 0; a whole number from"
                        + " 1 to 128",
                "{\"method\": \"ngram\", \"num_speculative_tokens\": 129} | num_speculative_tokens is 129",
                "{\"method\": \"ngram\", \"num_speculative_tokens\": 99999999999} | num_speculative_tokens is 99999999999",
                "{\"method\": \"ngram\", \"num_speculative_tokens\": 3, \"prompt_lookup_min\": 0} | prompt_lookup_min is 0;"
                        + " a whole number from 1 is needed",
                "{\"method\":\"ngram\",\"num_speculative_tokens\":3,\"prompt_lookup_min\":4,\"prompt_lookup_max\":2} |"
                        + " prompt_lookup_min is 4, but at most prompt_lookup_max, 2, is allowed",
                "{\"method\": 3, \"num_speculative_tokens\": 3} | method is 3; a name is allowed",
                "ngram | is not a JSON object"
            })
    void whatIsNotAllowedIsRefusedByName(String json, String message) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining(message.strip());
    }

    @Test
    void aDraftModelIsCheckedBeforeAnythingStarts() {
        Path root = Path.of(System.getProperty("millrace.root"));
        String without = root.resolve("golden/model-a").toString();
        SpeculativeConfig config = read("{\"model\": \"%s\", \"num_speculative_tokens\": 5}".formatted(without));
        assertThatThrownBy(() -> config.check(root.resolve("models/demo-vl")))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("golden/model-a")
                .hasMessageContaining("tokenizer.json");
        assertThatCode(() -> config.check(Path.of("on another machine"))).doesNotThrowAnyException();
        String draft = root.resolve("models/demo-draft").toString();
        assertThatCode(() -> read("{\"model\": \"%s\", \"num_speculative_tokens\": 5}".formatted(draft))
                        .check(root.resolve("models/demo-vl")))
                .doesNotThrowAnyException();
    }

    private static SpeculativeConfig read(String json) {
        return new SpeculativeConfig.Converter().convert(json.strip());
    }
}

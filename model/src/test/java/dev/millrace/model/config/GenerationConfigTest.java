package dev.millrace.model.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerationConfigTest {

    @TempDir
    Path folder;

    @Test
    void takesOverTheSixValuesThatVllmTakesOver() throws IOException {
        write(
                """
                {"do_sample": true, "temperature": 1e-6, "repetition_penalty": 1.05, "top_k": 1, "top_p": 0.001,
                 "min_p": 0.1, "max_new_tokens": 2048, "num_beams": 4, "eos_token_id": [151645, 151643]}""");

        GenerationConfig config = GenerationConfig.read(folder);

        assertThat(config.eosTokenIds()).containsExactly(151645, 151643);
        assertThat(config.overriddenDefaults())
                .hasToString("{repetition_penalty=1.05, temperature=1.0E-6, top_k=1, top_p=0.001, min_p=0.1,"
                        + " max_tokens=2048}");
    }

    @Test
    void greedyDecodingInTheFileChangesNothing() throws IOException {
        write("{\"do_sample\": false, \"temperature\": null, \"eos_token_id\": 7}");

        GenerationConfig config = GenerationConfig.read(folder);

        assertThat(config.overriddenDefaults()).isEqualTo(Map.of());
        assertThat(config.eosTokenIds()).containsExactly(7);
    }

    @Test
    void aMissingFileChangesNothing() {
        assertThat(GenerationConfig.read(folder)).isEqualTo(GenerationConfig.NONE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"temperature\": -1}",
                "{\"temperature\": \"hot\"}",
                "{\"temperature\": 1e999}",
                "{\"top_p\": 0}",
                "{\"top_p\": 1.5}",
                "{\"top_k\": -2}",
                "{\"repetition_penalty\": 0}",
                "{\"max_new_tokens\": 0}",
                "{\"eos_token_id\": [-1]}",
                "{\"eos_token_id\": \"<|im_end|>\"}"
            })
    void aValueOutOfRangeIsNamed(String json) throws IOException {
        write(json);

        assertThatThrownBy(() -> GenerationConfig.read(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("generation_config.json")
                .hasMessageContaining("'" + json.substring(2, json.indexOf('"', 2)) + "'");
    }

    private void write(String json) throws IOException {
        Files.writeString(folder.resolve("generation_config.json"), json);
    }
}

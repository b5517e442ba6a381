package dev.millrace.model.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PreprocessorConfigTest {

    @TempDir
    Path folder;

    @Test
    void thePublishedFileHasTheKnownValues() {
        Path golden = Path.of(System.getProperty("millrace.root"), "golden/model-a");

        assertThat(PreprocessorConfig.read(golden)).usingRecursiveComparison().isEqualTo(PreprocessorConfig.QWEN25_VL);
    }

    @Test
    void aMissingFileMeansThePublishedValues() {
        assertThat(PreprocessorConfig.read(folder)).isSameAs(PreprocessorConfig.QWEN25_VL);
    }

    @Test
    void readsPixelsFromTheSize() throws IOException {
        write("preprocessor_config.json", "{\"size\": {\"shortest_edge\": 784, \"longest_edge\": 50176}}");

        assertThat(PreprocessorConfig.read(folder).minPixels()).isEqualTo(784);
        assertThat(PreprocessorConfig.read(folder).maxPixels()).isEqualTo(50_176);
    }

    @Test
    void theOlderFieldWinsOverTheSize() throws IOException {
        write(
                "preprocessor_config.json",
                "{\"min_pixels\": 1568, \"size\": {\"shortest_edge\": 784, \"longest_edge\": 50176}}");

        assertThat(PreprocessorConfig.read(folder).minPixels()).isEqualTo(1568);
        assertThat(PreprocessorConfig.read(folder).maxPixels()).isEqualTo(50_176);
    }

    @Test
    void readsTheProcessorFileOfTransformers5() throws IOException {
        write(
                "processor_config.json",
                "{\"image_processor\": {\"patch_size\": 16, \"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [1, 1, 2]}}");

        PreprocessorConfig config = PreprocessorConfig.read(folder);

        assertThat(config.patchSize()).isEqualTo(16);
        assertThat(config.imageMean()).containsExactly(0.5, 0.5, 0.5);
        assertThat(config.imageStd()).containsExactly(1, 1, 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"min_pixels\": 5000, \"max_pixels\": 4000}",
                "{\"min_pixels\": 0}",
                "{\"patch_size\": 0}",
                "{\"image_mean\": [0.5]}",
                "{\"image_std\": [0.5, 0, 0.5]}",
                "{\"image_std\": \"0.5\"}",
                "{\"size\": 7}"
            })
    void aValueOutOfRangeIsNamed(String json) throws IOException {
        write("preprocessor_config.json", json);

        assertThatThrownBy(() -> PreprocessorConfig.read(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("preprocessor_config.json")
                .hasMessageContaining(json.substring(2, json.indexOf('"', 2)));
    }

    private void write(String name, String json) throws IOException {
        Files.writeString(folder.resolve(name), json);
    }
}

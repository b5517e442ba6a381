package dev.millrace.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {

    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));

    @TempDir
    Path folder;

    @Test
    void findsWeightsInTheShardThatTheIndexNames() {
        try (var checkpoint = Checkpoint.open(ROOT.resolve("golden/model-a"), false)) {
            assertThat(checkpoint.names()).hasSizeGreaterThan(80);
            assertThat(checkpoint.weight("lm_head.weight", 512, 64).dtype()).isEqualTo(Tensor.Dtype.BF16);
            Tensor patch = checkpoint.weight("visual.patch_embed.proj.weight", 32, 3, 2, 14, 14);
            assertThat(patch.data().remaining()).isEqualTo(32 * 1176 * 2);
            assertThat(patch.toFloats()).isNotEqualTo(new float[32 * 1176]);
        }
    }

    @Test
    void aTiedHeadIsTheEmbedding() {
        try (var checkpoint = Checkpoint.open(ROOT.resolve("golden/model-b"), true)) {
            Tensor head = checkpoint.weight("lm_head.weight", 384, 96);

            assertThat(head.name()).isEqualTo("lm_head.weight");
            assertThat(head.data())
                    .isEqualTo(checkpoint
                            .weight("model.embed_tokens.weight", 384, 96)
                            .data());
        }
    }

    @Test
    void aMissingHeadSaysThatTheEmbeddingsAreNotTied() {
        try (var checkpoint = Checkpoint.open(ROOT.resolve("golden/model-b"), false)) {
            assertThatThrownBy(() -> checkpoint.weight("lm_head.weight", 384, 96))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("tie_word_embeddings");
        }
    }

    @Test
    void readsASingleFile() {
        try (var checkpoint = Checkpoint.open(ROOT.resolve("models/demo-draft"), true)) {
            assertThat(checkpoint.weight("model.norm.weight", 128).toFloats()).hasSize(128);
        }
    }

    @Test
    void readsTheNamesOfAResavedModel() throws IOException {
        shard("model.safetensors", "model.language_model.norm.weight", 1);
        try (var checkpoint = Checkpoint.open(folder, false)) {
            assertThat(checkpoint.weight("model.norm.weight", 1).toFloats()).containsExactly(1);
        }
        shard("model.safetensors", "model.visual.merger.ln_q.weight", 2);
        try (var checkpoint = Checkpoint.open(folder, false)) {
            assertThat(checkpoint.weight("visual.merger.ln_q.weight", 1).toFloats())
                    .containsExactly(2);
        }
    }

    @Test
    void aShapeThatIsAnotherNamesBoth() {
        try (var checkpoint = Checkpoint.open(ROOT.resolve("golden/model-a"), false)) {
            assertThatThrownBy(() -> checkpoint.weight("model.norm.weight", 65))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("[64]")
                    .hasMessageContaining("[65]");
        }
    }

    @Test
    void aWeightThatIsMissingIsNamed() {
        try (var checkpoint = Checkpoint.open(ROOT.resolve("golden/model-a"), false)) {
            assertThatThrownBy(() -> checkpoint.weight("model.layers.99.mlp.up_proj.weight", 1))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("model.layers.99.mlp.up_proj.weight");
        }
    }

    @Test
    void aFolderWithoutSafetensorsSaysWhatIsRead() {
        assertThatThrownBy(() -> Checkpoint.open(folder, false))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("only safetensors are read");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../../etc/passwd",
                "/etc/passwd",
                "..",
                "a/b.safetensors",
                "../x.safetensors",
                "x.bin",
                "a\\u0000b"
            })
    void anIndexCannotNameAFileOutsideTheFolder(String name) throws IOException {
        index("{\"weight_map\": {\"model.norm.weight\": \"" + name + "\"}}");

        assertThatThrownBy(() -> Checkpoint.open(folder, false))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("model.safetensors.index.json")
                .hasMessageContaining("same folder");
    }

    @Test
    void aMissingShardIsNamed() throws IOException {
        index("{\"weight_map\": {\"model.norm.weight\": \"model-1.safetensors\"}}");

        assertThatThrownBy(() -> Checkpoint.open(folder, false))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("model-1.safetensors: cannot be read");
    }

    @Test
    void aWeightThatItsShardLacksIsNamed() throws IOException {
        shard("model-1.safetensors", "model.norm.weight", 1);
        index("{\"weight_map\": {\"model.embed_tokens.weight\": \"model-1.safetensors\"}}");

        assertThatThrownBy(() -> Checkpoint.open(folder, false))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("model-1.safetensors: has no tensor model.embed_tokens.weight");
    }

    @Test
    void aWeightUnderItsOldAndItsNewNameIsRefused() throws IOException {
        shard("model-1.safetensors", "model.norm.weight", 1);
        shard("model-2.safetensors", "model.language_model.norm.weight", 2);
        index("{\"weight_map\": {\"model.norm.weight\": \"model-1.safetensors\","
                + " \"model.language_model.norm.weight\": \"model-2.safetensors\"}}");

        assertThatThrownBy(() -> Checkpoint.open(folder, false))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("old and its new name");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nothing", "{}", "{\"weight_map\": []}", "{\"weight_map\": {\"x\": 1}}"})
    void aBrokenIndexIsNamed(String json) throws IOException {
        index(json);

        assertThatThrownBy(() -> Checkpoint.open(folder, false))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("model.safetensors.index.json");
    }

    private void index(String json) throws IOException {
        Files.writeString(folder.resolve("model.safetensors.index.json"), json);
    }

    private void shard(String file, String tensor, float value) throws IOException {
        byte[] header = "{\"%s\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}"
                .formatted(tensor)
                .getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(12 + header.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length).put(header).putFloat(value);
        Files.write(folder.resolve(file), bytes.array());
    }
}

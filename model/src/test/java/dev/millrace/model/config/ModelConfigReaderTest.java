package dev.millrace.model.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.model.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ModelConfigReaderTest {

    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @TempDir
    Path folder;

    @Test
    void readsThePublishedLayout() {
        ModelConfig config = ModelConfigReader.read(ROOT.resolve("golden/model-a"));

        assertThat(config.architecture()).isEqualTo("Qwen2_5_VLForConditionalGeneration");
        assertThat(config.dtype()).isEqualTo("bfloat16");
        var text = config.text();
        assertThat(text.vocabSize()).isEqualTo(512);
        assertThat(text.hiddenSize()).isEqualTo(64);
        assertThat(text.intermediateSize()).isEqualTo(144);
        assertThat(text.numLayers()).isEqualTo(3);
        assertThat(text.numHeads()).isEqualTo(4);
        assertThat(text.numKeyValueHeads()).isEqualTo(2);
        assertThat(text.headDim()).isEqualTo(16);
        assertThat(text.maxPositionEmbeddings()).isEqualTo(4096);
        assertThat(text.rmsNormEps()).isEqualTo(1e-6);
        assertThat(text.ropeTheta()).isEqualTo(1e6);
        assertThat(text.mropeSection()).containsExactly(2, 3, 3);
        assertThat(text.tieWordEmbeddings()).isFalse();
        assertThat(text.bosTokenId()).isEqualTo(502);
        assertThat(text.eosTokenIds()).containsExactly(503, 502);
        var vision = config.vision();
        assertThat(vision.depth()).isEqualTo(4);
        assertThat(vision.hiddenSize()).isEqualTo(32);
        assertThat(vision.intermediateSize()).isEqualTo(52);
        assertThat(vision.headDim()).isEqualTo(16);
        assertThat(vision.outHiddenSize()).isEqualTo(64);
        assertThat(vision.windowSize()).isEqualTo(112);
        assertThat(vision.fullAttentionBlocks()).containsExactly(1, 3);
        assertThat(vision.tokensPerSecond()).isEqualTo(2);
        assertThat(vision.imageTokenId()).isEqualTo(500);
        assertThat(vision.videoTokenId()).isEqualTo(501);
        assertThat(vision.visionStartTokenId()).isEqualTo(498);
        assertThat(vision.visionEndTokenId()).isEqualTo(499);
    }

    @Test
    void readsWhatDiffersBetweenCheckpointsFromTheFile() {
        ModelConfig config = ModelConfigReader.read(ROOT.resolve("golden/model-b"));

        assertThat(config.text().tieWordEmbeddings()).isTrue();
        assertThat(config.text().numKeyValueHeads()).isEqualTo(1);
        assertThat(config.vision().tokensPerSecond()).isEqualTo(4);
        assertThat(config.vision().fullAttentionBlocks()).containsExactly(2);
        assertThat(config.vision().imageTokenId()).isEqualTo(380);
    }

    @Test
    void theLayoutOfTransformers5MeansTheSame() throws IOException {
        for (String model : new String[] {"golden/model-a", "golden/model-b", "models/demo-vl"}) {
            Path published = ROOT.resolve(model);
            write(nested((ObjectNode)
                    MAPPER.readTree(published.resolve("config.json").toFile())));
            Files.copy(
                    published.resolve("generation_config.json"),
                    folder.resolve("generation_config.json"),
                    StandardCopyOption.REPLACE_EXISTING);

            assertThat(ModelConfigReader.read(folder))
                    .usingRecursiveComparison()
                    .isEqualTo(ModelConfigReader.read(published));
        }
    }

    @Test
    void readsATextModel() {
        ModelConfig config = ModelConfigReader.read(ROOT.resolve("models/demo-draft"));

        assertThat(config.architecture()).isEqualTo("Qwen2ForCausalLM");
        assertThat(config.hasVision()).isFalse();
        assertThat(config.text().mropeSection()).isNull();
        assertThat(config.text().ropeTheta()).isEqualTo(10_000);
        assertThat(config.text().headDim()).isEqualTo(32);
    }

    @Test
    void aVisionFieldThatIsLeftOutHasTheValueOfTransformersClass() throws IOException {
        ObjectNode config = golden();
        ObjectNode vision = (ObjectNode) config.get("vision_config");
        vision.remove(List.of("depth", "fullatt_block_indexes", "window_size", "tokens_per_second"));
        write(config);

        var read = ModelConfigReader.read(folder).vision();

        assertThat(read.depth()).isEqualTo(32);
        assertThat(read.fullAttentionBlocks()).containsExactly(7, 15, 23, 31);
        assertThat(read.windowSize()).isEqualTo(112);
        assertThat(read.tokensPerSecond()).isEqualTo(4);
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("wrong")
    void whatIsImpossibleOrNotSupportedIsNamed(Consumer<ObjectNode> change, String message) throws IOException {
        ObjectNode config = golden();
        change.accept(config);
        write(config);

        assertThatThrownBy(() -> ModelConfigReader.read(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(folder.resolve("config.json").toString())
                .hasMessageContaining(message);
    }

    static Stream<Arguments> wrong() {
        return Stream.of(
                wrong(c -> c.putArray("architectures").add("LlamaForCausalLM"), "LlamaForCausalLM"),
                wrong(c -> c.remove("architectures"), "'architectures' is missing"),
                wrong(c -> c.remove("hidden_size"), "'hidden_size' is missing"),
                wrong(c -> c.put("hidden_size", 66), "hidden_size 66 is no multiple of num_attention_heads 4"),
                wrong(c -> c.put("hidden_size", -64), "'hidden_size' is -64"),
                wrong(c -> c.put("hidden_size", 1L << 40), "'hidden_size' is 1099511627776"),
                wrong(c -> c.put("hidden_size", "64"), "'hidden_size' is \"64\""),
                wrong(c -> c.put("hidden_size", 64.5), "'hidden_size' is 64.5"),
                wrong(c -> c.put("num_hidden_layers", Integer.MAX_VALUE), "'num_hidden_layers' is 2147483647"),
                wrong(c -> c.put("num_key_value_heads", 3), "no multiple of num_key_value_heads 3"),
                wrong(c -> c.put("rms_norm_eps", Double.NaN), "'rms_norm_eps' is \"NaN\""),
                wrong(c -> c.put("use_sliding_window", true), "use_sliding_window is true"),
                wrong(c -> c.putArray("layer_types").add("sliding_attention"), "sliding_attention"),
                wrong(c -> c.put("hidden_act", "gelu"), "hidden_act is 'gelu'"),
                wrong(c -> c.put("torch_dtype", "int8"), "torch_dtype is 'int8'"),
                wrong(c -> c.putObject("quantization_config").put("quant_method", "awq"), "quantization_config"),
                wrong(c -> c.putObject("rope_scaling").put("type", "yarn"), "type is 'yarn'"),
                wrong(c -> c.putNull("rope_scaling"), "no mrope_section"),
                wrong(c -> rope(c).putArray("mrope_section").add(2).add(2).add(2), "with the sum 8"),
                wrong(c -> rope(c).putArray("mrope_section").add(4).add(4), "three numbers"),
                wrong(c -> c.put("eos_token_id", 512), "'eos_token_id' is 512"),
                wrong(c -> c.put("image_token_id", 4096), "'image_token_id' is 4096"),
                wrong(c -> c.remove("image_token_id"), "'image_token_id' is missing"),
                wrong(c -> c.remove("vision_config"), "'vision_config' is missing"),
                wrong(c -> vision(c).put("num_heads", 3), "hidden_size 32 over num_heads 3"),
                wrong(c -> vision(c).put("out_hidden_size", 32), "out_hidden_size is 32"),
                wrong(c -> vision(c).put("spatial_merge_size", 3), "spatial_merge_size is 3"),
                wrong(c -> vision(c).put("window_size", 100), "window_size 100"),
                wrong(c -> vision(c).put("depth", 3), "'fullatt_block_indexes' is 3"),
                wrong(c -> vision(c).put("in_channels", 4), "'in_channels' is 4"));
    }

    @Test
    void anEndTokenOfTheGenerationConfigBeyondTheVocabularyIsNamed() throws IOException {
        write(golden());
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [503, 151643]}");

        assertThatThrownBy(() -> ModelConfigReader.read(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("eos_token_id 151643");
    }

    @Test
    void aFolderWithoutAConfigurationIsNamed() {
        assertThatThrownBy(() -> ModelConfigReader.read(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining("cannot be read");
    }

    @Test
    void aFileThatIsNotJsonIsNamed() throws IOException {
        for (String json : new String[] {"", "[]", "{", "{\"a\": 1, \"a\": 2}", "{} {}", "[".repeat(100_000)}) {
            Files.writeString(folder.resolve("config.json"), json);

            assertThatThrownBy(() -> ModelConfigReader.read(folder))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("config.json");
        }
    }

    private static Arguments wrong(Consumer<ObjectNode> change, String message) {
        return Arguments.of(change, message);
    }

    private static ObjectNode rope(ObjectNode config) {
        return (ObjectNode) config.get("rope_scaling");
    }

    private static ObjectNode vision(ObjectNode config) {
        return (ObjectNode) config.get("vision_config");
    }

    private static ObjectNode golden() throws IOException {
        return (ObjectNode)
                MAPPER.readTree(ROOT.resolve("golden/model-a/config.json").toFile());
    }

    /** The same configuration as transformers 5 writes it. */
    private static ObjectNode nested(ObjectNode flat) {
        ObjectNode root = MAPPER.createObjectNode();
        ObjectNode text = root.putObject("text_config");
        for (var field : flat.properties()) {
            String name = field.getKey();
            boolean top = name.equals("architectures")
                    || name.equals("vision_config")
                    || name.startsWith("image_")
                    || name.startsWith("video_")
                    || name.startsWith("vision_")
                    || name.equals("tie_word_embeddings");
            (top ? root : text).set(name, field.getValue());
        }
        root.set("dtype", text.remove("torch_dtype"));
        ObjectNode rope = (ObjectNode) text.remove("rope_scaling");
        rope.put("rope_type", "default").put("type", "default").set("rope_theta", text.remove("rope_theta"));
        text.set("rope_parameters", rope);
        text.putArray("layer_types").add("full_attention");
        return root;
    }

    private void write(ObjectNode config) throws IOException {
        MAPPER.writeValue(folder.resolve("config.json").toFile(), config);
    }
}

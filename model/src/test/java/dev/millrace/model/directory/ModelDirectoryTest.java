package dev.millrace.model.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.tokenizer.ChatMessage;
import dev.millrace.model.tokenizer.ChatOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelDirectoryTest {

    private static final Path ROOT = Path.of(System.getProperty("millrace.root"));

    @TempDir
    Path folder;

    @Test
    void opensEveryPartOfAModel() {
        var model = new ModelDirectory(ROOT.resolve("models/demo-vl"));
        var config = model.config();

        assertThat(config.vision().imageTokenId()).isEqualTo(model.tokenizer().specialTokenId("<|image_pad|>"));
        assertThat(model.generationConfig().eosTokenIds()).isNotEmpty();
        assertThat(model.preprocessorConfig().patchSize())
                .isEqualTo(config.vision().patchSize());
        try (var weights = model.weights("auto")) {
            assertThat(weights.weight("lm_head.weight", 1024, 256).numElements())
                    .isEqualTo(1024 * 256);
        }
    }

    @Test
    void dummyWeightsNeedNoFile() throws IOException {
        Files.copy(ROOT.resolve("models/demo-vl/config.json"), folder.resolve("config.json"));
        var model = new ModelDirectory(folder);

        try (var weights = model.weights("dummy")) {
            assertThat(weights.weight("model.norm.weight", 256).toFloats()).containsOnly(1);
        }
        assertThatThrownBy(() -> model.weights("auto"))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("model.safetensors");
    }

    @Test
    void theNewestPlaceOfTheTemplateWins() throws IOException {
        assertThat(render()).isNull();

        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"chat_template\": \"one\"}");
        assertThat(render()).isEqualTo("one");

        Files.writeString(folder.resolve("chat_template.json"), "{\"chat_template\": \"two\"}");
        assertThat(render()).isEqualTo("two");

        Files.writeString(folder.resolve("chat_template.jinja"), "three");
        assertThat(render()).isEqualTo("three");
    }

    @Test
    void ofSeveralTemplatesTheDefaultIsTaken() throws IOException {
        Path file = folder.resolve("tokenizer_config.json");
        Files.writeString(
                file,
                "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"a\"},"
                        + " {\"name\": \"default\", \"template\": \"b\"}]}");
        assertThat(render()).isEqualTo("b");

        Files.writeString(file, "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"a\"}]}");
        assertThatThrownBy(this::render)
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tokenizer_config.json");
    }

    @Test
    void aTemplateThatIsGivenReplacesTheFolders() throws IOException {
        Files.writeString(folder.resolve("chat_template.jinja"), "the folder's");
        assertThat(render("{{ messages[0].content }}!")).isEqualTo("hi!");
        assertThat(render(null)).isEqualTo("the folder's");
    }

    @Test
    void aMissingFolderIsNamed() {
        Path missing = folder.resolve("missing");

        assertThatThrownBy(() -> new ModelDirectory(missing))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(missing.toString());
    }

    @Test
    void aMissingTokenizerIsNamed() {
        assertThatThrownBy(() -> new ModelDirectory(folder).tokenizer())
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tokenizer.json");
    }

    /** What the folder's template makes of a conversation; null where it has none. */
    private String render() {
        return render(null);
    }

    private String render(String given) {
        var tokenizer = new ModelDirectory(ROOT.resolve("models/demo-vl")).tokenizer();
        var renderer = new ModelDirectory(folder).chatRenderer(tokenizer, given);
        try {
            return renderer.render(List.of(ChatMessage.text("user", "hi")), ChatOptions.DEFAULT)
                    .text();
        } catch (InvalidInputException e) {
            return null;
        }
    }
}

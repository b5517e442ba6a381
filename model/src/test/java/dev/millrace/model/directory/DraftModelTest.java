package dev.millrace.model.directory;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DraftModelTest {

    private static final Path MODELS = Path.of(System.getProperty("millrace.root"), "models");

    private final DjlTokenizer tokenizer = new ModelDirectory(MODELS.resolve("demo-vl")).tokenizer();

    @TempDir
    private Path folder;

    @Test
    void aModelWithTheSameTokenizerDrafts() {
        assertThatCode(() -> DraftModel.check(MODELS.resolve("demo-draft"), tokenizer))
                .doesNotThrowAnyException();
    }

    @Test
    void whereAnIdMeansSomethingElseTheModelIsRefused() throws IOException {
        copy("config.json");
        String json = Files.readString(MODELS.resolve("demo-draft/tokenizer.json"));
        Files.writeString(
                folder.resolve("tokenizer.json"),
                json.replace(":300,", ":-1,").replace(":301,", ":300,").replace(":-1,", ":301,"));
        assertThatThrownBy(() -> DraftModel.check(folder, tokenizer))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(
                        "has another tokenizer: id 300 is '" + tokenizer.tokenString(301) + "' there, but '"
                                + tokenizer.tokenString(300) + "' to the model; choose one with the model's tokenizer");
    }

    @Test
    void aFolderThatIsNoModelsIsRefused() throws IOException {
        assertThatThrownBy(() -> DraftModel.check(folder.resolve("none"), tokenizer))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("does not exist");
        copy("config.json");
        assertThatThrownBy(() -> DraftModel.check(folder, tokenizer))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tokenizer.json");
    }

    private void copy(String name) throws IOException {
        Files.copy(MODELS.resolve("demo-draft").resolve(name), folder.resolve(name));
    }
}

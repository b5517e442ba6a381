package dev.millrace.model.directory;

import dev.millrace.model.checkpoint.Checkpoint;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.checkpoint.RandomWeights;
import dev.millrace.model.checkpoint.WeightSource;
import dev.millrace.model.config.GenerationConfig;
import dev.millrace.model.config.ModelConfig;
import dev.millrace.model.config.ModelConfigReader;
import dev.millrace.model.config.PreprocessorConfig;
import dev.millrace.model.tokenizer.ChatRenderer;
import dev.millrace.model.tokenizer.ChatTemplate;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A model's folder, as downloaded or saved by transformers. Each call reads its files anew; all throw
 * {@link CheckpointException} if a file is missing or not right.
 */
public record ModelDirectory(Path folder) {

    /** @throws CheckpointException if there is no such folder */
    public ModelDirectory {
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException("model folder " + folder.toAbsolutePath()
                    + " does not exist; expected is a folder with config.json, model.safetensors and tokenizer.json");
        }
    }

    public ModelConfig config() {
        return ModelConfigReader.read(folder);
    }

    /** Empty where the folder has no such file. */
    public GenerationConfig generationConfig() {
        return GenerationConfig.read(folder);
    }

    /** Qwen2.5-VL's where the folder has no such file. */
    public PreprocessorConfig preprocessorConfig() {
        return PreprocessorConfig.read(folder);
    }

    public DjlTokenizer tokenizer() {
        return DjlTokenizer.open(folder.resolve("tokenizer.json"));
    }

    /** Refuses every conversation where the folder has no chat template. */
    public ChatRenderer chatRenderer(DjlTokenizer tokenizer) {
        return chatRenderer(tokenizer, null);
    }

    /** @param given text of the template that replaces the folder's; null: the folder's */
    public ChatRenderer chatRenderer(DjlTokenizer tokenizer, String given) {
        String template = given == null ? ChatTemplateFiles.find(folder) : given;
        return new ChatRenderer(tokenizer, template == null ? null : new ChatTemplate(template));
    }

    /** @param loadFormat {@code dummy} for random weights, anything else for the folder's */
    public WeightSource weights(String loadFormat) {
        return loadFormat.equals("dummy")
                ? new RandomWeights(0)
                : Checkpoint.open(folder, config().text().tieWordEmbeddings());
    }
}

package dev.millrace.operators.request;

import dev.millrace.model.config.GenerationConfig;
import dev.millrace.model.directory.ModelDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The sampling values that requests leave open, by vLLM's flags {@code --generation-config} and its override. */
public final class GenerationDefaults {

    private static final Set<String> NAMES =
            Set.of("repetition_penalty", "temperature", "top_k", "top_p", "min_p", "max_new_tokens", "max_tokens");

    private GenerationDefaults() {}

    /**
     * @param model the checkpoint
     * @param source {@code auto}: the checkpoint's own file; {@code vllm}: none; else a folder that holds one
     * @param overrides values that replace the file's
     * @throws IllegalArgumentException if the folder has no such file, or an override no such name
     */
    public static GenerationConfig load(ModelDirectory model, String source, Map<String, Double> overrides) {
        GenerationConfig file =
                switch (source) {
                    case "auto" -> model.generationConfig();
                    case "vllm" -> GenerationConfig.NONE;
                    default -> GenerationConfig.read(folder(source));
                };
        for (String name : overrides.keySet()) {
            if (!NAMES.contains(name)) {
                throw new IllegalArgumentException("the generation config has no value " + name
                        + " to override; there are " + String.join(", ", new TreeSet<>(NAMES)));
            }
        }
        return new GenerationConfig(
                file.eosTokenIds(),
                overrides.getOrDefault("repetition_penalty", file.repetitionPenalty()),
                overrides.getOrDefault("temperature", file.temperature()),
                integer(overrides.get("top_k"), file.topK()),
                overrides.getOrDefault("top_p", file.topP()),
                overrides.getOrDefault("min_p", file.minP()),
                integer(overrides.get("max_tokens"), integer(overrides.get("max_new_tokens"), file.maxNewTokens())));
    }

    private static Path folder(String source) {
        Path folder = Path.of(source);
        if (!Files.exists(folder.resolve("generation_config.json"))) {
            throw new IllegalArgumentException("--generation-config '" + source
                    + "' has no generation_config.json; auto, vllm and a folder that has one are allowed");
        }
        return folder;
    }

    private static Integer integer(Double override, Integer otherwise) {
        return override == null ? otherwise : (Integer) override.intValue();
    }
}
